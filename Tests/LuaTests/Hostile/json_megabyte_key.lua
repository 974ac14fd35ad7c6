-- Long and odd names.
-- expect: finish
local name = ("k"):rep(1e6 // 1 | 0)
assert(json.decode(json.encode({ [name] = 1 }))[name] == 1)
