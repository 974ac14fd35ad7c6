-- Every object asked for its text.
-- expect: stop
local t = {}
for i = 1, math.huge do t[i] = {} tostring(t[i]) end
