-- A length without elements, compared by a C function.
-- expect: stop
table.sort(setmetatable({}, { __len = function() return 2 ^ 30 // 1 | 0 end, __index = rawlen }), math.type)
