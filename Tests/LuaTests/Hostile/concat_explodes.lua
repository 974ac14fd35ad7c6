-- A separator of a megabyte.
-- expect: stop
local t = {}
for i = 1, 10000 do t[i] = "" end
return table.concat(t, ("x"):rep(1e6 // 1 | 0))
