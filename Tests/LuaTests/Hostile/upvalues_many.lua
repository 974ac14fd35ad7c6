-- Closures over variables of a coroutine that is gone.
-- expect: finish
local fs = {}
for i = 1, 1000 do
  coroutine.wrap(function() local x = i fs[i] = function() x = x + 1 return x end end)()
end
for i = 1, 1000 do assert(fs[i]() == i + 1) end
