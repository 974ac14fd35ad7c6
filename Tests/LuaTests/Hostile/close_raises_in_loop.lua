-- The same for ever.
-- expect: stop cpu
local mt = { __close = function() error("close") end }
while true do pcall(function() local a <close> = setmetatable({}, mt) end) end
