-- A finalizer added later is not heeded.
-- expect: finish
local mt = {}
for _ = 1, 1000 do setmetatable({}, mt) end
mt.__gc = function() while true do end end
for _ = 1, 10000 do local t = setmetatable({}, {}) end
