-- A message of megabytes.
-- expect: error
error(("x"):rep(1e7 // 1 | 0))
