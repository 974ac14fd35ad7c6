-- Sorting the keys of a large table for nothing.
-- expect: stop cpu
local t = {}
for i = 1, 20000 do t["k" .. i] = i end
while true do pairs(t) end
