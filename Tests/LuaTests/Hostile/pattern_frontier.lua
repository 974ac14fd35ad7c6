-- Frontiers and sets.
-- expect: stop cpu
return (("a "):rep(1e5)):find("%f[%w][%w%s]-%f[%w][%w%s]-%f[%w][%w%s]-x")
