-- A loop in a coroutine.
-- expect: stop cpu
coroutine.wrap(function() while true do end end)()
