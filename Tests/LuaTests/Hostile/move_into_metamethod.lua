-- Moving into a C function.
-- expect: stop cpu
table.move({}, 1, 1 << 40, 1, setmetatable({}, { __newindex = rawlen }))
