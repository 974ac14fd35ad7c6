-- A numeric loop that never ends.
-- expect: stop cpu
for i = 1, math.huge do end
