-- A width that the format does not allow.
-- expect: error
return ("%99999d"):format(1)
