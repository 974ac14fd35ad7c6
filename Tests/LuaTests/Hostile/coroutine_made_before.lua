-- A coroutine made early and resumed again and again.
-- expect: stop cpu
local co = coroutine.create(function() while true do coroutine.yield() end end)
while true do coroutine.resume(co) end
