-- Errors as error objects.
-- expect: error
local e = setmetatable({}, { __index = function() error("index") end, __tostring = function() error("tostring") end })
error(e)
