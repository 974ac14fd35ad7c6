-- Shifting a long list again and again.
-- expect: stop cpu
local t = {}
for i = 1, 50000 do t[i] = i end
while true do table.insert(t, 1, 0) end
