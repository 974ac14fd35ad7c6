-- Few instructions, much work.
-- expect: stop cpu
local a, b = ("x"):rep(4e6 // 1 | 0) .. "a", ("x"):rep(4e6 // 1 | 0) .. "b"
while true do local _ = a < b end
