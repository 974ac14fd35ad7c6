-- break and goto out of for loops with variables to close (bug of 5.4.4: the compiler's code is wrong).
-- expect: finish
local function closing() return setmetatable({}, { __close = function() end }) end
local function numbers()
  return function(_, i) if i < 5 then return i + 1 end end, nil, 0, closing()
end
for _ = 1, 100 do
  pcall(function()
    for i in numbers() do
      local c <close> = closing()
      if i == 2 then break end
    end
  end)
  pcall(function()
    for i = 1, 3 do
      do local c <close> = closing() if i == 2 then goto out end end
    end
    ::out::
  end)
end
