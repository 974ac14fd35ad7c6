-- A to-be-closed variable whose __close loops.
-- expect: stop cpu
pcall(function()
  local c <close> = setmetatable({}, { __close = function() while true do end end })
  error("x")
end)
