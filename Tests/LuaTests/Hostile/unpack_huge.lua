-- More results than there is stack.
-- expect: error too many results to unpack
return table.unpack({}, 1, 1e7 // 1 | 0)
