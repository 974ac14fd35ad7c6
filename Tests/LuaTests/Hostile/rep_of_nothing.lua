-- Nothing, 10^18 times.
-- expect: finish
assert((""):rep(1e18 // 1 | 0) == "")
assert((""):rep(1e18 // 1 | 0, "") == "")
