-- The same with select.
-- expect: stop cpu
local function count(...) while true do select("#", ...) select(-1, ...) end end
count(table.unpack({}, 1, 200000))
