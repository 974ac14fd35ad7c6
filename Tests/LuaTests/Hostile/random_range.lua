-- The widest ranges.
-- expect: finish
for _ = 1, 100 do
  math.random(math.mininteger, math.maxinteger)
  math.random(math.maxinteger)
end
assert(not pcall(math.random, 2, 1))
