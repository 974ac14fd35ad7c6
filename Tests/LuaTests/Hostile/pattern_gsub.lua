-- The same in gsub.
-- expect: stop cpu
return ("a"):rep(1e5):gsub(".-.-.-b", "")
