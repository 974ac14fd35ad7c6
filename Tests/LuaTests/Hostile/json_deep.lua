-- Text nested without end.
-- expect: error nesting deeper
json.decode(("["):rep(1e6 // 1 | 0))
