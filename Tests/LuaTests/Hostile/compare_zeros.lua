-- Strings of zeros are compared piece by piece.
-- expect: stop cpu
local a, b = ("\0"):rep(1e6 // 1 | 0) .. "a", ("\0"):rep(1e6 // 1 | 0) .. "b"
while true do local _ = a < b end
