-- A coroutine that resumes itself.
-- expect: finish
assert(not coroutine.resume(coroutine.running()))
local co
co = coroutine.create(function() return coroutine.resume(co) end)
assert(select(2, coroutine.resume(co)) == false)
