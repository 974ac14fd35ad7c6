-- A text that grows by gsub.
-- expect: stop
local s = "xx"
while true do s = s:gsub(".", "%0%0%0") end
