-- Padding without end.
-- expect: error
return string.pack("c1000000000", "x")
