-- A table that tells when the collector ran.
-- expect: error __mode
setmetatable({}, { __mode = "k" })
