-- A small graph that is a huge tree.
-- expect: stop cpu
-- slowed: error
local t = { 1 }
for _ = 1, 60 do t = { t, t } end
json.encode(t)
