-- Every operator is a metamethod that loops.
-- expect: stop cpu
local function spin() while true do end end
local mt = { __add = spin, __lt = spin, __le = spin, __concat = spin, __len = spin, __eq = spin, __call = spin, __unm = spin }
local a, b = setmetatable({}, mt), setmetatable({}, mt)
for _, f in ipairs { function() return a + b end, function() return a < b end, function() return #a end, function() return a == b end } do
  pcall(f)
end
