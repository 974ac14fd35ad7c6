-- An iterator that never returns.
-- expect: stop cpu
for _ in coroutine.wrap(function() while true do end end) do end
