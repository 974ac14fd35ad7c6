-- A number of a million digits.
-- expect: finish
return ("9"):rep(1e6 // 1 | 0) + 1
