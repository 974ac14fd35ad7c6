-- resume reports errors instead of raising them.
-- expect: stop cpu
while true do coroutine.resume(coroutine.create(function() while true do end end)) end
