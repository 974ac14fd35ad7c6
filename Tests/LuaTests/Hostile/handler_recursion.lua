-- A handler that calls xpcall in its handler.
-- expect: finish
local depth = 0
local function handler() depth = depth + 1 return (xpcall(error, handler)) end
xpcall(error, handler)
