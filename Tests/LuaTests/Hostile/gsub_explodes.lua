-- Every empty match becomes a megabyte.
-- expect: stop
return (("x"):rep(1e6 // 1 | 0):gsub("", ("y"):rep(1e6 // 1 | 0)))
