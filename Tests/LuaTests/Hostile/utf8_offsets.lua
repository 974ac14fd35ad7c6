-- The same with utf8.
-- expect: stop cpu
local text = ("é"):rep(1e6 // 1 | 0)
while true do utf8.offset(text, 900000) utf8.len(text) end
