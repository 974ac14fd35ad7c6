-- The handler of xpcall loops.
-- expect: stop cpu
xpcall(error, function() while true do end end, "x")
