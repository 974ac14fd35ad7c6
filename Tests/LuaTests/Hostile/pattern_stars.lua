-- Polynomial of a high degree.
-- expect: stop cpu
return ("a"):rep(1e5):find(".-.-.-.-.-b")
