-- __call that is its own __call: Lua shifts a growing stack within one instruction.
-- expect: stop cpu
local t = setmetatable({}, {})
getmetatable(t).__call = t
t()
