-- json.null as a table.
-- expect: error
json.null.x = 1
