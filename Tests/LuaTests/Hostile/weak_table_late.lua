-- A table made weak after setmetatable looked would tell when the collector ran.
-- expect: finish
local mt = {}
local keys, values = setmetatable({}, mt), setmetatable({}, mt)
mt.__mode = "kv"
for i = 1, 100 do
  keys[{}] = i
  values[i] = {}
end
for i = 1, 200000 do local t = { i } end
local count = 0
for i = 1, 100 do if values[i] then count = count + 1 end end
assert(count == 100)
assert(mt.__mode == "kv" and rawget(mt, "__" .. "mode") == "kv")
