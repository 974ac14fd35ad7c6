-- The __tostring of an uncaught error must not run.
-- expect: error an error that is a table
error(setmetatable({}, { __tostring = function() while true do end end }))
