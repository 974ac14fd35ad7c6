-- The C stack overflows while an error is handled (bug of 5.4.4: the Lua stack overflows too).
-- expect: stop
local function loop(x, y, z) return 1 + loop(x, y, z) end
local function nest(n) return (("x"):gsub("x", function() return nest(n + 1) end)) end
while true do
  assert(not xpcall(loop, loop))
  assert(not xpcall(nest, function() return nest(0) end, 0))
end
