-- An error in a wrapped coroutine closes its variables.
-- expect: stop cpu
coroutine.wrap(function()
  local c <close> = setmetatable({}, { __close = function() while true do end end })
  error("x")
end)()
