-- The same in gmatch.
-- expect: stop cpu
for _ in ("a"):rep(1e5):gmatch(".-.-.-b") do end
