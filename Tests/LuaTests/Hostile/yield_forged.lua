-- A yield that would look like a command.
-- expect: error attempt to yield from outside a coroutine
coroutine.yield("message:react", "m1", "love")
