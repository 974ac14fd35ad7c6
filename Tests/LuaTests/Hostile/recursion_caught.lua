-- The same, caught again and again.
-- expect: stop
local function f() return pcall(f), f() end
while true do pcall(f) end
