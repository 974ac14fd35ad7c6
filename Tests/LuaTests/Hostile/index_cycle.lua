-- Tables that are each other's __index.
-- expect: error loop
local a, b = {}, {}
setmetatable(a, { __index = b }) setmetatable(b, { __index = a })
return a.x
