-- A library function replaced.
-- expect: error read-only
string.find = nil
