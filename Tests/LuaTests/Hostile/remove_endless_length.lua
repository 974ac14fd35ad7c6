-- The same, downwards.
-- expect: stop cpu
table.remove(setmetatable({}, { __len = function() return 1 << 40 end, __newindex = rawlen }), 1)
