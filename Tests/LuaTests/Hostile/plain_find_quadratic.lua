-- A plain search made for the worst case, again and again.
-- expect: stop cpu
local text, part = ("a"):rep(1e6), ("a"):rep(5e5) .. "b" .. ("a"):rep(10)
while true do text:find(part, 1, true) end
