import CustomDump
import Lua
import Testing

@Suite struct LuaErrorTests {
    let state: LuaState

    init() throws {
        state = try LuaState(.test())
    }

    @Test func `a runtime error has file, line, text and traceback`() throws {
        let error = try state.failure(
            """
            local function inner(t)
              return t.x.y
            end
            local function outer() local r = inner({}) return r end
            outer()
            """)
        expectNoDifference(
            error,
            LuaError(
                code: .runtime, message: "rules/test.lua:3: attempt to index a nil value (field 'x')",
                file: "rules/test.lua", line: 3, sourceLine: "  return t.x.y",
                traceback: """
                    rules/test.lua:3: in upvalue 'inner'
                    rules/test.lua:5: in local 'outer'
                    rules/test.lua:6: in function <rules/test.lua:1>
                    """))
    }

    @Test func `a traceback goes through wrapped coroutines and leaves out the prelude`() throws {
        let error = try state.failure(
            """
            local function inner() api.call() end
            local function outer()
              coroutine.wrap(function() inner() end)()
            end
            outer()
            """
        ) { _ in .failure(LuaHostError(code: "gone", message: "no such thing")) }
        expectNoDifference(
            error.traceback,
            """
            rules/test.lua:2: in upvalue 'inner'
            rules/test.lua:4: in function <rules/test.lua:4>
            rules/test.lua:4: in local 'outer'
            rules/test.lua:6: in function <rules/test.lua:1>
            """)
    }

    @Test func `the frames of an error that was caught are not those of the next`() throws {
        let error = try state.failure(
            "pcall(coroutine.wrap(function() error('first') end))\nerror('second')")
        expectNoDifference(error.traceback, "rules/test.lua:3: in function <rules/test.lua:1>")
    }

    @Test func `a level blames the caller`() throws {
        let error = try state.failure(
            "local function check() error('bad argument', 2) end\ncheck()")
        #expect(error.message == "rules/test.lua:3: bad argument")
        #expect(error.line == 3)
        #expect(error.sourceLine == "check()")
    }

    @Test func `a raised table is kept`() throws {
        let error = try state.failure("error({ code = 7, message = 'mine', f = function() end })")
        #expect(error.message == "mine")
        #expect(error.code == .runtime)
        #expect(error.value == ["code": 7, "message": "mine", "f": .function(line: 2)])
        #expect(error.line == 2)
    }

    @Test(arguments: [
        ("error()", "an error that is nil"), ("error(true)", "an error that is a boolean"), ("error(7)", "7"),
        ("error({})", "an error that is a table"),
        ("error(setmetatable({}, { __tostring = function() error('again') end }))", "an error that is a table"),
        ("error(type)", "an error that is a function"),
    ])
    func `whatever is raised has a message`(body: String, message: String) throws {
        #expect(try state.failure(body).message == message)
    }

    @Test(arguments: [
        ("local m = ... m:raect('love')", "attempt to call a nil value (method 'raect'); did you mean \"react\"?"),
        ("local m = ... m.recat(m)", "attempt to call a nil value (field 'recat'); did you mean \"react\"?"),
        ("api.cal()", "attempt to call a nil value (field 'cal'); did you mean \"call\"?"),
        ("('x'):gusb('x', '')", "attempt to call a nil value (method 'gusb'); did you mean \"gsub\"?"),
        ("jsno.encode(1)", "attempt to index a nil value (global 'jsno'); did you mean \"json\"?"),
        ("tosstring(1)", "attempt to call a nil value (global 'tosstring'); did you mean \"tostring\"?"),
        ("local m = ... m:xylophone()", "attempt to call a nil value (method 'xylophone')"),
        ("local call = nil call()", "attempt to call a nil value (local 'call')"),
        ("local t = {} t.react.x = 1", "attempt to index a nil value (field 'react')"),
        (
            "error(\"attempt to call a nil value (global 'jsno')\", 0)",
            "attempt to call a nil value (global 'jsno'); did you mean \"json\"?"
        ),
    ])
    func `a misspelled name is told with the nearest one`(body: String, message: String) throws {
        let error = try state.failure(body, .instance(type: "message", fields: ["id": "m1"]))
        #expect(error.message.hasSuffix(message), "\(error.message)")
    }

    @Test func `endless recursion is an error with a short traceback`() throws {
        let state = try LuaState(.test(limits: LuaLimits(memoryBytes: 256 << 20, cpu: .seconds(60))))
        let error = try state.failure("local function f() return 1 + f() end\nf()")
        #expect(error.message.contains("stack overflow"))
        #expect(error.traceback.split(separator: "\n").count < 30)
        #expect(error.traceback.contains("levels left out"))
        #expect(try state.run("return 1") == [1])
    }

    @Test func `a long file name is shown whole`() throws {
        let name = "a-team-with-a-long-name/a-pack-with-a-long-name/rules/a_rule_with_a_long_name.lua"
        let invocation = try state.start(
            LuaSource(name: name, text: "return { run = function()\nerror('x') end }"), field: "run", arguments: [])
        guard case .failed(let error) = invocation.resume(.begin) else { return #expect(Bool(false)) }
        expectNoDifference(
            error,
            LuaError(
                code: .runtime, message: name + ":2: x", file: name, line: 2, sourceLine: "error('x') end }",
                traceback: "\(name):2: in function <\(name):1>"))
    }

    @Test func `a description reads well`() throws {
        let error = try state.failure("  error('x')")
        expectNoDifference(
            error.description,
            """
            rules/test.lua:2: x
                error('x')
              rules/test.lua:2: in function <rules/test.lua:1>
            """)
    }
}
