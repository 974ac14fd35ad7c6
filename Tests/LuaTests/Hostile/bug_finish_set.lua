-- Assignments through __newindex while the collector works (bug up to 5.4.7: use after free).
-- expect: finish
for round = 1, 200 do
  local t = setmetatable({}, { __newindex = function(t, k, v) rawset(t, k, v) end })
  for i = 1, 200 do t["key" .. i .. round] = ("x"):rep(i) end
  local s = setmetatable({}, { __newindex = {} })
  for i = 1, 200 do s[i] = { i } end
end
