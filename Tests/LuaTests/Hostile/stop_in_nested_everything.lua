-- All of it inside each other.
-- expect: stop cpu
local function spin() while true do end end
local t = setmetatable({}, { __index = function() return ("x"):gsub("x", function()
  table.sort({ 2, 1 }, function() coroutine.wrap(function() pcall(xpcall, spin, spin) end)() return false end)
end) end })
while true do pcall(function() return t.x end) end
