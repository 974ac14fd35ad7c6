-- A table that contains itself.
-- expect: error contains itself
local t = {}
t.t = t
json.encode(t)
