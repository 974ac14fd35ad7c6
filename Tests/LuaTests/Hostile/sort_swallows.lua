-- A comparator catches everything.
-- expect: stop cpu
local t = {}
for i = 1, 10000 do t[i] = i % 97 end
while true do
  pcall(table.sort, t, function(a, b) pcall(function() for i = 1, 1e6 do end end) return a < b end)
end
