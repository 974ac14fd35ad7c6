import CustomDump
import Lua
import Synchronization
import Testing

@Suite struct LuaEnvironmentTests {
    @Test func `a host function answers at once`() throws {
        let state = try LuaState(.test(functions: ["double": { values in values + values }]))
        expectNoDifference(
            try state.run("return host_functions.double(1, { a = 'x' })"), [1, ["a": "x"], 1, ["a": "x"]])
    }

    @Test func `a host function's failure is a table with the caller's position`() throws {
        let state = try LuaState(
            .test(functions: [
                "fail": { _ throws(LuaHostError) in
                    throw LuaHostError(code: "no", message: "not today", level: 1)
                }
            ]))
        let error = try state.failure("host_functions.fail()")
        #expect(error.message == "rules/test.lua:2: not today")
        #expect(
            error.value == [
                "code": "no", "message": "not today", "retryable": false, "file": "rules/test.lua", "line": 2,
            ])
    }

    /// Counts its live objects.
    final class Tracked: Sendable {
        static let live = Mutex(0)
        init() { Self.live.withLock { $0 += 1 } }
        deinit { Self.live.withLock { $0 -= 1 } }
    }

    @Test func `errors raised past host functions leak nothing`() throws {
        let state = try LuaState(
            .test(
                functions: [
                    "fail": { arguments throws(LuaHostError) in
                        let tracked = Tracked()
                        defer { withExtendedLifetime(tracked) {} }
                        if arguments.isEmpty { return [] }
                        throw LuaHostError(code: "no", message: "not today", details: ["n": arguments[0]])
                    }
                ], limits: LuaLimits(cpu: .seconds(60), wall: .seconds(60))))
        let results = try state.run(
            """
            local caught = 0
            for i = 1, 100000 do
              local ok, e = pcall(host_functions.fail, i)
              if not ok and e.n == i then caught = caught + 1 end
            end
            return caught
            """)
        expectNoDifference(results, [100_000])
        #expect(Tracked.live.withLock { $0 } == 0)
        state.collectGarbage()
        #expect(state.usedBytes < 1 << 20)
    }

    @Test func `print gives the host one line`() throws {
        let recorder = Recorder()
        let state = try LuaState(
            .test(functions: [
                "print": { values in
                    recorder.add(values)
                    return []
                }
            ]))
        _ = try state.run(
            "print('a', 1, nil, json.null, setmetatable({}, { __tostring = function() return 'T' end }))\nprint()")
        expectNoDifference(recorder.values, [["a\t1\tnil\tnull\tT"], [""]])
        expectNoDifference(try LuaState(.test()).run("return print"), [.nil])
    }

    final class Recorder: Sendable {
        private let lines = Mutex<[[LuaValue]]>([])
        var values: [[LuaValue]] { lines.withLock { $0 } }
        func add(_ values: [LuaValue]) { lines.withLock { $0.append(values) } }
    }

    @Test(arguments: [
        "io", "os", "debug", "package", "load", "loadstring", "loadfile", "dofile", "print", "warn", "string.dump",
    ])
    func `what is not on the list does not exist`(name: String) throws {
        expectNoDifference(try LuaState(.test()).run("return \(name)"), [.nil])
    }

    @Test func `globals are what is listed`() throws {
        let state = try LuaState(.test())
        expectNoDifference(
            try state.run(
                "local names = {} for name in pairs(_G) do names[#names + 1] = name end table.sort(names) return names"),
            [
                [
                    "_G", "_VERSION", "api", "assert", "collectgarbage", "coroutine", "error", "getmetatable",
                    "host_functions", "ipairs", "json", "math", "next", "pairs", "pcall", "rawequal", "rawget",
                    "rawlen",
                    "rawset", "require", "select", "setmetatable", "string", "table", "text", "tonumber", "tostring",
                    "type", "utf8", "xpcall",
                ]
            ])
    }

    @Test(arguments: [
        ("x = 1", "attempt to set global 'x'; use local, or store for what must last"),
        ("_G.x = 1", "attempt to set global 'x'; use local, or store for what must last"),
        ("string.format = nil", "attempt to set 'string.format'; 'string' is read-only"),
        ("api.call = nil", "attempt to set 'api.call'; 'api' is read-only"),
        ("api.nested.answer = 1", "attempt to set 'api.nested.answer'; 'api.nested' is read-only"),
        ("table.insert(api.nested, 1)", "attempt to change 'api.nested', which is read-only"),
        ("rawset(string, 'x', 1)", "attempt to change a table that is read-only"),
        ("rawset(_G, 'x', 1)", "attempt to change a table that is read-only"),
        ("setmetatable(string, {})", "cannot change a protected metatable"),
        ("setmetatable({}, { __gc = type })", "finalizers (__gc) are not available"),
        ("getmetatable('').__index.x = 1", "attempt to index a boolean value"),
        ("select(2, pairs(string)).x = 1", "attempt to set 'string.x'; 'string' is read-only"),
        ("collectgarbage('stop')", "bad argument #1 to 'collectgarbage' (invalid option 'stop')"),
    ])
    func `what scripts share is read-only`(body: String, message: String) throws {
        let state = try LuaState(.test())
        #expect(try state.failure(body).message == "rules/test.lua:2: " + message)
        expectNoDifference(
            try state.run("return x, string.x, api.nested.answer, #('x'):rep(3)"), [.nil, .nil, 42, 3])
    }

    @Test func `shared tables can be read in every way`() throws {
        let state = try LuaState(.test())
        expectNoDifference(
            try state.run(
                """
                local names = {}
                for name, value in pairs(api.nested) do names[name] = value end
                return names, rawget(string, "format") == string.format, #api, rawlen(api), _G == _G._G
                """),
            [["answer": 42], true, 0, 0, true])
    }

    @Test func `modules are found by the names given`() throws {
        let state = try LuaState(
            .test(modules: [
                "lib.a": LuaSource(name: "lib/a.lua", text: "local name = ... return { name = name, b = require 'b' }"),
                "b": LuaSource(name: "lib/b.lua", text: "return 5"),
                "cycle": LuaSource(name: "lib/cycle.lua", text: "require 'cycle'"),
                "broken": LuaSource(name: "lib/broken.lua", text: "x ="),
                "none": LuaSource(name: "lib/none.lua", text: ""),
            ]))
        expectNoDifference(
            try state.run("local a = require 'lib.a' return a.name, a.b, require('lib.a') == a, require 'none'"),
            ["lib.a", 5, true, true])
        #expect(
            try state.failure("require 'c'").message
                == "rules/test.lua:2: module 'c' not found among the pack's own (the files in its lib folder)")
        #expect(
            try state.failure("require 'cycle'").message
                == "lib/cycle.lua:1: module 'cycle' requires itself, or has failed to load before")
        let broken = try state.failure("require 'broken'")
        #expect(broken.message == "lib/broken.lua:1: unexpected symbol near <eof>")
        #expect(broken.sourceLine == "x =")
    }

    @Test func `an error in a module shows both files`() throws {
        let state = try LuaState(.test(modules: ["m": LuaSource(name: "lib/m.lua", text: "local t = nil\nt.x = 1")]))
        expectNoDifference(
            try state.failure("require 'm'").traceback,
            "lib/m.lua:2: in main chunk\nrules/test.lua:2: in function <rules/test.lua:1>")
    }
}
