-- pcall, xpcall, coroutines and closing, as deep as they go.
-- expect: stop cpu
local function spin(n)
  local c <close> = setmetatable({}, { __close = function() pcall(spin, n + 1) end })
  if n > 20 then while true do end end
  return pcall(coroutine.wrap(function() xpcall(spin, function() spin(n + 1) end, n + 1) end))
end
while true do pcall(spin, 0) end
