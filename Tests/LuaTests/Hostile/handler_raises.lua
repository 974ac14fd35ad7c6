-- A handler that fails handling its own failures.
-- expect: finish
local ok, message = xpcall(error, function() error("again") end, "x")
assert(not ok)
