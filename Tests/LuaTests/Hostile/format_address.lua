-- An address by %p.
-- expect: error addresses are not shown
return ("%p"):format({})
