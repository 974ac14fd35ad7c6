-- A function that calls itself.
-- expect: error
local function f() return 1 + f() end
f()
