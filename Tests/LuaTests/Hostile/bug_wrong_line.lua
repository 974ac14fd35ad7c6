-- Errors over several lines (bugs of 5.4.4: the wrong line), which must not keep them from being told.
-- expect: error attempt to perform arithmetic
local t = {}
local value =
  t
  + 1
  .. t
return value
