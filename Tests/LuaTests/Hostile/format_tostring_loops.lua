-- The same by string.format.
-- expect: stop cpu
return ("%s"):format(setmetatable({}, { __tostring = function() while true do end end }))
