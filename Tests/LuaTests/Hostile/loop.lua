-- A plain endless loop.
-- expect: stop cpu
while true do end
