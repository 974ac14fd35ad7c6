-- A size that overflows.
-- expect: error resulting string too large
return ("x"):rep(math.maxinteger, "yy")
