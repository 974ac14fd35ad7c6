-- A __tostring that doesn't answer text.
-- expect: error
return tostring(setmetatable({}, { __tostring = function() return {} end }))
