-- next asked for a key that isn't there.
-- expect: finish
local t = { a = 1, c = 3 }
assert(next(t, "b") == "c")
pcall(next, t, {})
pcall(next, {}, 5)
