-- A loop at the bottom of many coroutines.
-- expect: stop cpu
local function deep(n)
  if n == 0 then while true do end end
  return coroutine.wrap(function() return pcall(deep, n - 1) end)()
end
deep(50)
