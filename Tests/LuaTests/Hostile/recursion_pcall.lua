-- pcall inside pcall without end.
-- expect: stop
local function f() return pcall(f) end
while true do f() end
