-- An environment of one's own is no way out.
-- expect: finish
local _ENV = { assert = assert, setmetatable = setmetatable }
x = 1
assert(x == 1 and not load and not debug and not os and not io)
