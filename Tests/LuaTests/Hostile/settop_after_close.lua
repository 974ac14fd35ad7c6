-- break out of a loop with a variable to close (bug of 5.4.4).
-- expect: finish
local closed = 0
for i = 1, 10 do
  local c <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
  if i == 5 then break end
end
assert(closed == 5)
