-- The same with captures and back references.
-- expect: stop cpu
return ("a"):rep(5000):match("(a*)(a*)(a*)%1%2%3b")
