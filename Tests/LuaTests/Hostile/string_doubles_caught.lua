-- The same, caught.
-- expect: stop
local s, kept = "x", {}
while true do
  pcall(function() s = s .. s end)
  kept[#kept + 1] = { s:sub(1, 100000) .. #kept }
end
