-- next asked for places that it did not just visit.
-- expect: stop cpu
local t, keys = {}, {}
for i = 1, 5000 do t["k" .. i] = i keys[i] = "k" .. i end
while true do for i = #keys, 1, -1 do next(t, keys[i]) end end
