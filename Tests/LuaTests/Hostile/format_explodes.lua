-- A format that repeats a large argument.
-- expect: error
local s = ("x"):rep(4e6 // 1 | 0)
local arguments = {}
for i = 1, 200 do arguments[i] = s end
return (("%s"):rep(200)):format(table.unpack(arguments))
