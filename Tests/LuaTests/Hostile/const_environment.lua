-- A constant environment (bug 2 of 5.4.4: wrong code).
-- expect: finish
local function f()
  local _ENV <const> = { y = 2 }
  return y
end
assert(f() == 2)
