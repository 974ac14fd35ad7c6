-- A string that doubles.
-- expect: stop memory
local s = "x"
while true do s = s .. s end
