-- More than the state may hold.
-- expect: error resulting string too large
return ("x"):rep(1e15 // 1 | 0)
