-- A format with many items.
-- expect: error
return string.pack(("i8"):rep(1e6 // 1 | 0), 1)
