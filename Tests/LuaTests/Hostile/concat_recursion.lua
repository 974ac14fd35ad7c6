-- table.concat as an __index.
-- expect: error
local t = setmetatable({}, { __len = function() return 1 << 60 end })
getmetatable(t).__index = table.concat
return table.concat(t)
