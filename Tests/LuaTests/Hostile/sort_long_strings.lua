-- Comparisons of long and equal strings.
-- expect: stop
local t = {}
for i = 1, 400 do t[i] = ("x"):rep(100000) .. i end
while true do table.sort(t, function(a, b) return a > b end) table.sort(t) end
