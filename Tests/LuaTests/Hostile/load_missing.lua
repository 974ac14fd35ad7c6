-- No text becomes code.
-- expect: error attempt to call a nil value
load("return 1")
