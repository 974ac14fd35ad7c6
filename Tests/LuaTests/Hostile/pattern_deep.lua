-- Captures inside each other.
-- expect: error pattern too complex
return ("a"):rep(300):find(("(a"):rep(30) .. (")"):rep(30) .. ("a?"):rep(220) .. "b")
