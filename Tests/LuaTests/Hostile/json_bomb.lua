-- A small graph that is a huge tree.
-- expect: error
local t = { 1 }
for _ = 1, 60 do t = { t, t } end
json.encode(t)
