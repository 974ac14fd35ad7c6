-- Precompiled chunks, which a mutation turns into a crash (bug of 5.4.4), cannot be made or loaded.
-- expect: finish
assert(load == nil and loadstring == nil and string.dump == nil and dofile == nil)
assert(not pcall(require, "\27Lua"))
