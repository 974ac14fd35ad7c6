-- An __index that never answers nil.
-- expect: stop cpu
for _ in ipairs(setmetatable({}, { __index = rawlen })) do end
