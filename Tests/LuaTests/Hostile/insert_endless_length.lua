-- Shifting what isn't there.
-- expect: stop cpu
table.insert(setmetatable({}, { __len = function() return 1 << 40 end, __newindex = rawlen }), 1, "x")
