-- A comparator that contradicts itself.
-- expect: finish
local t = {}
for i = 1, 2000 do t[i] = i end
table.sort(t, function(a, b) return true end)
table.sort(t, function(a, b) return math.random(2) == 1 end)
