-- An endless loop by goto.
-- expect: stop cpu
::again:: goto again
