-- Arguments without end.
-- expect: stop
local function f(...) return f(1, ...) end
f()
