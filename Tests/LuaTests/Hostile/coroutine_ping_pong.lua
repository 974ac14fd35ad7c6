-- Two coroutines that keep each other going and catch everything.
-- expect: stop cpu
local a, b
a = coroutine.wrap(function() while true do pcall(coroutine.yield) pcall(b) end end)
b = coroutine.wrap(function() while true do pcall(coroutine.yield) pcall(function() for i = 1, 1e9 do end end) end end)
while true do pcall(a) pcall(b) end
