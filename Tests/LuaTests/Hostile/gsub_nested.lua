-- Replacement functions inside each other without end.
-- expect: error
local function f() return (("x"):gsub("x", f)) end
f()
