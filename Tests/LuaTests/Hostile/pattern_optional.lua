-- Exponential: many optional items.
-- expect: stop cpu
return ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(40) .. "b")
