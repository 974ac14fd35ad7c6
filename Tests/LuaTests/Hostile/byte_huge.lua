-- A string as numbers on the stack.
-- expect: error
return ("x"):rep(2e7 // 1 | 0):byte(1, -1)
