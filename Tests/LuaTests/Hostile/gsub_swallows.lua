-- A replacement function catches everything.
-- expect: stop cpu
return ("x"):rep(1e6):gsub("x", function() pcall(function() for i = 1, 1e6 do end end) end)
