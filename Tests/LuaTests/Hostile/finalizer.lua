-- A finalizer, which would run outside every limit.
-- expect: error __gc
setmetatable({}, { __gc = function() while true do end end })
