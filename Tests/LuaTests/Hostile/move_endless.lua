-- Moving 2^60 elements.
-- expect: stop
table.move({}, 1, 1 << 60, 2)
