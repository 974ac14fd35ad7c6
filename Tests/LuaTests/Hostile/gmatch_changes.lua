-- gmatch keeps its text.
-- expect: finish
local n = 0
for a, b in ("k=v, k2=v2"):gmatch("(%w+)=(%w+)") do n = n + #a + #b end
assert(n == 6)
