-- The host's own errors locked.
-- expect: finish
local ok, e = pcall(require, "none")
assert(not ok and getmetatable(json.null) == false)
