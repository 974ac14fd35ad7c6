-- Every variable's __close fails.
-- expect: error
local function raise() error("close") end
local a <close> = setmetatable({}, { __close = raise })
local b <close> = setmetatable({}, { __close = raise })
error("first")
