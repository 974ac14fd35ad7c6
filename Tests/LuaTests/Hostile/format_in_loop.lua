-- The same, caught and repeated.
-- expect: stop
local s = ("x"):rep(1e6 // 1 | 0)
while true do pcall(string.format, "%s%s%s%s%s%s%s%s", s, s, s, s, s, s, s, s) end
