-- The collector cannot be steered.
-- expect: stop cpu
while true do pcall(collectgarbage) pcall(collectgarbage, "count") end
