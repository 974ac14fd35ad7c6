-- The mark of arrays taken off.
-- expect: error cannot change a protected metatable
setmetatable(json.array {}, {})
