-- Yields across many coroutines, caught at each.
-- expect: stop cpu
local function relay(n)
  return coroutine.wrap(function()
    local inner = n > 0 and relay(n - 1) or function() while true do coroutine.yield(1) end end
    while true do pcall(inner) coroutine.yield(2) end
  end)
end
local outer = relay(40)
while true do pcall(outer) end
