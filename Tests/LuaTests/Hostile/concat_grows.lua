-- A result larger than the state.
-- expect: error
local t = {}
for i = 1, 1000 do t[i] = ("x"):rep(1e6 // 1 | 0) end
return table.concat(t)
