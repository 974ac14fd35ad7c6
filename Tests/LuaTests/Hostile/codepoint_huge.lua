-- The same by utf8.
-- expect: error
return utf8.codepoint(("x"):rep(2e7 // 1 | 0), 1, -1)
