-- Much text, decoded for ever.
-- expect: stop cpu
local text = "[" .. ("1,"):rep(200000) .. "1]"
while true do json.decode(text) end
