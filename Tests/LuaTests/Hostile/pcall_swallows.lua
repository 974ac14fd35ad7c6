-- pcall must not catch the stop.
-- expect: stop cpu
while true do pcall(function() while true do end end) end
