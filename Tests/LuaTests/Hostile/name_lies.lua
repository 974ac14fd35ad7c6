-- A __name that isn't text.
-- expect: finish
assert(tostring(setmetatable({}, { __name = {} })):find("^table: "))
