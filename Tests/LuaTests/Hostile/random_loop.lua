-- Random numbers without end.
-- expect: stop cpu
while true do math.random(1, 1 << 62) end
