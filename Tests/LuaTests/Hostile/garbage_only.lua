-- Much garbage, nothing kept.
-- expect: stop cpu
while true do local t = { {}, {}, ("x"):rep(1000) .. tostring({}) } end
