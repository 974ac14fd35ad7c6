-- The collector's mode cannot be chosen.
-- expect: error
collectgarbage("generational")
