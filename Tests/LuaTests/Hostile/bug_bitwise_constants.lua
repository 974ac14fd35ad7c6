-- Constants in bitwise operations (bug of 5.4.4: wrong code, which must not reach the host).
-- expect: finish
local function f(x) return x | 2.0, 3.0 & x, x ~ 0xFFFFFFFFFFFFFFFF, 1 << 63 >> 63, 5 // 0.0, 0x7fffffffffffffff & x end
for i = -5, 5 do f(i) end
local ok = pcall(function() return 1 | 2^53 | 0.5 end)
assert(not ok)
