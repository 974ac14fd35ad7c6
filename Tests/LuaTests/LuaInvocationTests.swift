import CustomDump
import Lua
import Testing

@Suite struct LuaInvocationTests {
    let state: LuaState

    init() throws {
        state = try LuaState(.test())
    }

    @Test func `a command carries name, arguments and the line of the script`() throws {
        let invocation = try state.start(
            LuaState.rule("local m = ...\nlocal a, b = m:react('love')\nreturn a, b"), field: "run",
            arguments: [.instance(type: "message", fields: ["id": "m1"])])
        expectNoDifference(
            invocation.resume(.begin),
            .command(
                LuaCommand(
                    name: "message:react", arguments: ["m1", "love"],
                    location: LuaLocation(file: "rules/test.lua", line: 3))))
        expectNoDifference(invocation.resume(.values(["done", 2])), .finished(["done", 2]))
        #expect(invocation.isDone)
    }

    @Test(arguments: ["return api.call(1)", "local m = ... return m:react('love')", "return (...):refuse()"])
    func `a call in tail position keeps its line`(body: String) throws {
        let error = try state.failure(body, .instance(type: "message", fields: [:])) { _ in
            .failure(LuaHostError(code: "gone", message: "no such thing"))
        }
        #expect(error.line == 2)
        #expect(error.file == "rules/test.lua")
    }

    @Test func `the prelude's error blames the script`() throws {
        let error = try state.failure("return api.check(1)")
        #expect(error.message == "rules/test.lua:2: api.check: argument 1 must be a string")
    }

    @Test func `a failure is raised as a table that reads well`() throws {
        let results = try state.run(
            """
            local ok, e = pcall(function()
              api.call(1)
            end)
            return ok, tostring(e), e.code, e.retryable, e.file, e.line, e.wait, "so " .. e, getmetatable(e)
            """
        ) { _ in
            .failure(
                LuaHostError(code: "gone", message: "api.call: no such thing", retryable: true, details: ["wait": 3]))
        }
        expectNoDifference(
            results,
            [
                false, "rules/test.lua:3: api.call: no such thing", "gone", true, "rules/test.lua", 3, 3,
                "so rules/test.lua:3: api.call: no such thing", false,
            ])
    }

    @Test func `an uncaught failure of the host keeps its table`() throws {
        let error = try state.failure("api.call(1)") { _ in
            .failure(LuaHostError(code: "gone", message: "no such thing"))
        }
        expectNoDifference(
            error,
            LuaError(
                code: .host, message: "rules/test.lua:2: no such thing", file: "rules/test.lua", line: 2,
                sourceLine: "api.call(1)", traceback: "rules/test.lua:2: in function <rules/test.lua:1>",
                value: [
                    "code": "gone", "message": "no such thing", "retryable": false, "file": "rules/test.lua", "line": 2,
                ]))
    }

    @Test(arguments: [0, 1]) func `level 0 blames nobody`(level: Int) throws {
        let failure = LuaHostError(code: "gone", message: "no such thing", level: level)
        let blamed = try state.failure("api.call()") { _ in .failure(failure) }
        #expect(blamed.message == (level == 0 ? "no such thing" : "rules/test.lua:2: no such thing"))
        #expect(try state.failure("api.quiet()") { _ in .failure(failure) }.message == "no such thing")
    }

    @Test func `the prelude can raise such an error itself`() throws {
        let message = LuaValue.instance(type: "message", fields: ["id": "m1"])
        let error = try state.failure("local m = ...\nm:refuse()", message)
        #expect(error.message == "rules/test.lua:3: message:refuse is not for you")
        #expect(error.code == .host)
    }

    @Test(arguments: [
        ("table.sort({ 3, 2, 1 }, function(a, b) api.call() return a < b end)", "sort"),
        ("(('x'):gsub('x', function() api.call() end))", "gsub"),
        ("tostring(setmetatable({}, { __tostring = function() api.call() return '' end }))", "tostring"),
        ("for _ in ipairs(setmetatable({}, { __index = function() api.call() end })) do end", nil),
        ("coroutine.wrap(function() table.sort({ 3, 2, 1 }, function(a, b) api.call() end) end)()", "sort"),
        ("table.sort({ 3, 2, 1 }, function(a, b) coroutine.wrap(function() api.call() end)() end)", "sort"),
    ])
    func `a command where nothing can wait says what to do`(body: String, function: String?) throws {
        let error = try state.failure("local _ = \(body)".replacingStatement(body))
        let place = function.map { "inside \($0), which cannot wait; use it before or after, and only compute there" }
        #expect(error.message.contains("api.call cannot be used \(place ?? "")"), "\(error.message)")
        #expect(error.line == 2)
    }

    @Test(arguments: [
        "return pcall(api.call, 7)",
        "return select(2, xpcall(api.call, print or type, 7)) == 7, 7",
        "local t = setmetatable({}, { __index = function(_, k) return api.call(k) end }) return true, t[7]",
        "for v in function(_, last) if not last then return api.call(7) end end do return true, v end",
        "local r do local c <close> = setmetatable({}, { __close = function() r = api.call(7) end }) end return true, r",
        "return coroutine.resume(coroutine.create(function() return api.call(7) end))",
        "return true, coroutine.wrap(function() return api.call(7) end)()",
        """
        local function deep(n) if n == 0 then return api.call(7) end
          return coroutine.wrap(function() return deep(n - 1) end)() end
        return true, deep(30)
        """,
    ])
    func `a command passes through whatever can wait`(body: String) throws {
        expectNoDifference(try state.run(body), [true, 7])
    }

    @Test func `a rule's own yields stay between its coroutines`() throws {
        let results = try state.run(
            """
            local co = coroutine.create(function(a)
              local b = coroutine.yield(a + 1)
              local c = api.call(b + 1)
              local d = coroutine.yield(c + 1)
              return d + 1
            end)
            local out = {}
            local value = 1
            while coroutine.status(co) ~= "dead" do
              local ok, result = coroutine.resume(co, value)
              out[#out + 1] = result
              value = result
            end
            return out, coroutine.status(co)
            """)
        expectNoDifference(results, [[2, 4, 5], "dead"])
    }

    @Test func `a rule cannot forge a command`() throws {
        let error = try state.failure("coroutine.yield('message:react', 'm1')")
        #expect(error.message == "rules/test.lua:2: attempt to yield from outside a coroutine")
        expectNoDifference(
            try state.run("return coroutine.isyieldable(), select(2, coroutine.running())"), [false, true])
    }

    @Test func `interleaved invocations keep apart`() throws {
        let source = LuaState.rule("local n = ...\nfor i = 1, 3 do n = coroutine.wrap(api.call)(n) end\nreturn n")
        let invocations = try (0..<50).map { try state.start(source, field: "run", arguments: [.integer($0)]) }
        var steps = invocations.map { $0.resume(.begin) }
        for _ in 0..<3 {
            for (index, invocation) in invocations.enumerated() {
                guard case .command(let command) = steps[index], case .integer(let n)? = command.arguments.first else {
                    Issue.record("no command: \(steps[index])")
                    return
                }
                steps[index] = invocation.resume(.values([.integer(n + 100)]))
            }
        }
        expectNoDifference(steps, (0..<50).map { .finished([.integer($0 + 300)]) })
    }

    @Test func `a cancelled invocation runs nothing more`() throws {
        let state = try LuaState(
            .test(functions: [
                "mark": { _ in
                    Issue.record("ran on")
                    return []
                }
            ]))
        let source = LuaState.rule(
            "local c <close> = setmetatable({}, { __close = host_functions.mark })\napi.call()\nhost_functions.mark()")
        let invocation = try state.start(source, field: "run", arguments: [])
        _ = invocation.resume(.begin)
        invocation.cancel()
        #expect(invocation.isDone)
        state.collectGarbage()
    }

    @Test func `finished invocations leave nothing behind`() throws {
        let source = LuaState.rule("local t = {} for i = 1, 100 do t[i] = { i } end api.call() return #t")
        func round() throws {
            for index in 0..<200 {
                let invocation = try state.start(source, field: "run", arguments: [])
                _ = invocation.resume(.begin)
                if index % 2 == 0 { _ = invocation.resume(.values([])) } else { invocation.cancel() }
            }
            state.collectGarbage()
        }
        try round()
        let before = state.usedBytes
        for _ in 0..<5 { try round() }
        #expect(state.usedBytes <= before + 4096)
    }
}

extension String {
    /// Statements stand as they are; expressions need `local _ =` in front.
    fileprivate func replacingStatement(_ body: String) -> String {
        body.hasPrefix("(") || body.hasPrefix("tostring") ? self : body
    }
}
