-- A __metatable of one's own.
-- expect: finish
local t = setmetatable({}, { __metatable = "mine" })
assert(getmetatable(t) == "mine" and not pcall(setmetatable, t, {}))
