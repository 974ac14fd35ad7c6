-- A module that isn't the pack's.
-- expect: error not found
require("../../etc/passwd")
