-- The methods of all strings replaced.
-- expect: error
getmetatable("").__index = {}
