-- A replacement function loops.
-- expect: stop cpu
return ("x"):gsub("x", function() while true do end end)
