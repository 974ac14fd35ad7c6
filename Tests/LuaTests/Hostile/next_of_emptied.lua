-- A large table emptied, then asked for its first key.
-- expect: stop cpu
local t = {}
for i = 1, 3e5 do t[i] = true end
for i = 1, 3e5 do t[i] = nil end
while true do next(t) end
