-- The table behind a view, by pairs.
-- expect: error read-only
local _, inner = pairs(string)
inner.find = nil
