-- No error object at all.
-- expect: error an error that is nil
error(nil)
