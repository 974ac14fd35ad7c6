-- No debug library.
-- expect: error attempt to index a nil value
debug.sethook()
