-- A variable to close that cannot be closed.
-- expect: error
local c <close> = {}
