-- The same by rawset.
-- expect: error read-only
rawset(string, "find", nil)
