-- __tostring loops.
-- expect: stop cpu
tostring(setmetatable({}, { __tostring = function() while true do end end }))
