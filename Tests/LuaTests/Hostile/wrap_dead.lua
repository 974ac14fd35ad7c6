-- Coroutines used after their end.
-- expect: finish
local f = coroutine.wrap(function() end)
f()
assert(not pcall(f))
local co = coroutine.create(error)
assert(not coroutine.resume(co))
assert(coroutine.status(co) == "dead" and not coroutine.resume(co))
assert(not coroutine.close(co) or true)
assert(coroutine.close(co))
