-- A shared table given a metatable.
-- expect: error cannot change a protected metatable
setmetatable(math, { __index = function() return 1 end })
