-- Strings as numbers still work.
-- expect: finish
assert("10" + 5 == 15 and "3" * "4" == 12 and 10 .. "" == "10")
