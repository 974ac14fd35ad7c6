-- Coroutines inside each other without end.
-- expect: error
local function deep() return coroutine.wrap(deep)() end
deep()
