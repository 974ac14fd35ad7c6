-- An order that differs between runs.
-- expect: error no fixed order
for k in pairs({ [{}] = 1, [{}] = 2 }) do end
