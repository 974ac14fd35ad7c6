-- A global.
-- expect: error attempt to set global 'x'
x = 1
