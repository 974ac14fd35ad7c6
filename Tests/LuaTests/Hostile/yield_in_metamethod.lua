-- Coroutines in metamethods.
-- expect: stop cpu
local co = coroutine.wrap(function()
  local t = setmetatable({}, { __index = function() coroutine.yield() return 1 end })
  while true do local _ = t.x end
end)
while true do co() end
