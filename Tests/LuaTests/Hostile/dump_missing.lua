-- No code becomes text.
-- expect: error attempt to call a nil value
string.dump(function() end)
