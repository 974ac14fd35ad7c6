-- __close must not run on after the stop.
-- expect: stop cpu
local c <close> = setmetatable({}, { __close = function() while true do end end })
while true do end
