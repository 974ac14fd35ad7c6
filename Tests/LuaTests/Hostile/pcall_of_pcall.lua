-- Nor a pcall of pcall.
-- expect: stop cpu
while true do pcall(pcall, pcall, function() while true do end end) end
