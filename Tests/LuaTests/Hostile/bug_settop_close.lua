-- Results and variables to close where the stack moves (bug of 5.4.4: a pointer into the old stack).
-- expect: finish
local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
local co = coroutine.wrap(function()
  local a <close> = setmetatable({}, { __close = function() deep(2000) end })
  local b <close> = setmetatable({}, { __close = function() deep(5000) error("closed") end })
  return table.unpack({}, 1, 200)
end)
local ok, message = pcall(co)
assert(not ok and tostring(message):find("closed"))
