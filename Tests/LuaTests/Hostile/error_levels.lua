-- Levels that don't exist.
-- expect: finish
for _, level in ipairs { -1, 0, 3, 1000, math.maxinteger, math.mininteger } do assert(not pcall(error, "x", level)) end
