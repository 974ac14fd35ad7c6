-- Continuation bytes that continue nothing (bug of 5.4.4: utf8.codes lets them pass).
-- expect: finish
for _, text in ipairs { "ab\x80", "\xff\x80", "\xc3", "\xf4\x90\x80\x80", "\x80\x80\x80" } do
  pcall(function() for position, code in utf8.codes(text) do assert(position <= #text and code) end end)
  for position = -3, 6 do
    pcall(utf8.codepoint, text, position)
    pcall(utf8.offset, text, position)
    pcall(utf8.len, text, position)
  end
end
