-- Data nested so deeply that it cannot leave.
-- expect: error
local t = {}
for _ = 1, 200000 do t = { t } end
json.encode(t)
