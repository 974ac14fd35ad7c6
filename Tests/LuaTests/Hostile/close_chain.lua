-- Coroutines that close each other overflow the C stack of 5.4.4.
-- expect: finish
local co = nil
for _ = 1, 20000 do
  local inner = co
  co = coroutine.create(function()
    local c <close> = setmetatable({}, { __close = function() if inner then coroutine.close(inner) end end })
    coroutine.yield()
  end)
  coroutine.resume(co)
end
pcall(coroutine.close, co)
