-- Tables that are each other's __newindex.
-- expect: error loop
local a, b = {}, {}
setmetatable(a, { __newindex = b }) setmetatable(b, { __newindex = a })
a.x = 1
