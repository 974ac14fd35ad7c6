-- Sets over long texts.
-- expect: stop cpu
local text = ("ab"):rep(1e5)
while true do text:find("[^%w]-[^ab]-[^%w]-$") end
