-- The run's own coroutine resumed or closed from inside.
-- expect: finish
local own = coroutine.running()
local co = coroutine.create(function() return coroutine.resume(own), pcall(coroutine.close, own) end)
local _, resumed, closed = coroutine.resume(co)
assert(resumed == false and closed == false)
