-- A type's name of megabytes in a message.
-- expect: error
local t = setmetatable({}, { __name = ("x"):rep(1e7 // 1 | 0) })
return t < t
