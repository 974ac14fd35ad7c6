-- Long keys that differ at their ends.
-- expect: stop
local t = {}
for i = 1, 200 do t[("k"):rep(100000) .. i] = i end
while true do for k in pairs(t) do end end
