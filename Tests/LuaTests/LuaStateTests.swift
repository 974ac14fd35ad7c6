import CustomDump
import Lua
import Testing

@Suite struct LuaStateTests {
    @Test func `checking a file that is not Lua names file, line and text`() throws {
        let state = try LuaState(LuaEnvironment())
        let source = LuaSource(name: "photos/rules/x.lua", text: "local a = 1\nlocal = 2\n")
        #expect(throws: LuaError.self) { try state.check(source) }
        do throws(LuaError) {
            try state.check(source)
        } catch {
            expectNoDifference(
                error,
                LuaError(
                    code: .syntax, message: "photos/rules/x.lua:2: <name> expected near '='",
                    file: "photos/rules/x.lua", line: 2, sourceLine: "local = 2"))
        }
    }

    @Test func `checking does not run the file`() throws {
        let state = try LuaState(LuaEnvironment())
        try state.check(LuaSource(name: "x.lua", text: "error('ran')"))
    }

    @Test func `precompiled chunks are refused`() throws {
        let state = try LuaState(LuaEnvironment())
        let error = #expect(throws: LuaError.self) {
            try state.check(LuaSource(name: "x.lua", text: "\u{1B}LuaS"))
        }
        #expect(error?.code == .syntax)
    }

    @Test func `a file past the source limit is refused`() throws {
        let state = try LuaState(LuaEnvironment(limits: LuaLimits(sourceBytes: 100)))
        try state.check(LuaSource(name: "x.lua", text: String(repeating: " ", count: 100)))
        let error = #expect(throws: LuaError.self) {
            try state.check(LuaSource(name: "x.lua", text: String(repeating: " ", count: 101)))
        }
        #expect(error?.code == .limit)
        #expect(error?.message == "x.lua: the file has 101 bytes; at most 100 are loaded")
    }

    @Test func `a description holds the file's values, functions by their line`() throws {
        let state = try LuaState(.test())
        let text = """
            return {
              on = "message", priority = 3, ratio = 0.5, enabled = true,
              when = { body = { "order", "refund" }, nothing = json.null, empty = {}, list = json.array {} },
              run = function(message)
              end,
            }
            """
        expectNoDifference(
            try state.describe(LuaSource(name: "x.lua", text: text)),
            [
                "on": "message", "priority": 3, "ratio": 0.5, "enabled": true,
                "when": ["body": ["order", "refund"], "nothing": .null, "empty": .object([:]), "list": .array([])],
                "run": .function(line: 4),
            ])
    }

    @Test(arguments: ["api.call(1)", "pcall(api.call, 1) error('swallowed', 0)", "require 'lib.effect'"])
    func `commands are refused while a file is loading`(text: String) throws {
        let modules = ["lib.effect": LuaSource(name: "lib/effect.lua", text: "api.call(1)")]
        let state = try LuaState(.test(modules: modules))
        let error = #expect(throws: LuaError.self) {
            _ = try state.describe(LuaSource(name: "x.lua", text: text))
        }
        guard !text.hasPrefix("pcall") else { return }
        #expect(
            error?.message.contains("loading has no effects: api.call cannot be used while a file is loading") == true)
    }

    @Test func `commands are refused while a module is loading in a running rule`() throws {
        let modules = ["lib.effect": LuaSource(name: "lib/effect.lua", text: "return api.call(1)")]
        let state = try LuaState(.test(modules: modules))
        let error = try state.failure("require 'lib.effect'")
        expectNoDifference(
            error.message,
            "lib/effect.lua:1: loading has no effects: api.call cannot be used while a file is loading")
    }

    @Test func `file-level state does not outlive an invocation`() throws {
        let state = try LuaState(
            .test(modules: ["counter": LuaSource(name: "lib/counter.lua", text: "return { n = 0 }")]))
        let text = """
            local counter, own = require "counter", 0
            return { run = function()
              counter.n, own = counter.n + 1, own + 1
              return counter.n, own, require("counter").n
            end }
            """
        for _ in 0..<3 {
            let invocation = try state.start(LuaSource(name: "x.lua", text: text), field: "run", arguments: [])
            expectNoDifference(invocation.resume(.begin), .finished([1, 1, 1]))
        }
    }

    @Test func `a changed text under the same name is compiled anew`() throws {
        let state = try LuaState(.test())
        for value in 1...3 {
            let source = LuaSource(name: "x.lua", text: "return { run = function() return \(value) end }")
            let invocation = try state.start(source, field: "run", arguments: [])
            expectNoDifference(invocation.resume(.begin), .finished([.integer(Int64(value))]))
        }
    }

    @Test(arguments: [
        ("return 1", "the file must return a table, not number"),
        ("return {}", "'run' must be a function, not nil"),
        ("", "the file must return a table, not nil"),
    ])
    func `a file without the function is refused`(text: String, message: String) throws {
        let state = try LuaState(.test())
        let error = #expect(throws: LuaError.self) {
            _ = try state.start(LuaSource(name: "x.lua", text: text), field: "run", arguments: [])
        }
        expectNoDifference(error, LuaError(code: .badValue, message: message))
    }

    @Test func `a broken prelude is an error of the state`() throws {
        let error = #expect(throws: LuaError.self) {
            _ = try LuaState(LuaEnvironment(prelude: LuaSource(name: "prelude.lua", text: "\nerror('no')")))
        }
        #expect(error?.message == "prelude.lua:2: no")
        #expect(error?.sourceLine == "error('no')")
    }

    /// In a process of its own, since what is counted is the whole process's: a state that was let go and still counted,
    /// or was not let go at all, would take the next ones past the ceiling.
    @Test func `many states are made and let go without leaving memory`() async {
        await #expect(processExitsWith: .success) {
            LuaLimits.setMemoryCeiling(64 << 20)
            let body = "local parts = {} for i = 1, 1e5 do parts[i] = { i } end return #parts"
            for _ in 0..<50 {
                let count = try LuaState(.test()).run(body)
                #expect(count == [100_000])
            }
            // As many don't fit if they are kept.
            var kept: [LuaState] = []
            #expect(throws: LuaError.self) {
                for _ in 0..<50 {
                    let state = try LuaState(.test())
                    kept.append(state)
                    _ = try state.run(body)
                }
            }
            #expect(kept.count > 5)
        }
    }

    @Test func `equal seeds give equal random numbers`() throws {
        let state = try LuaState(.test())
        let source = LuaState.rule("return math.random(100), math.random(), math.random(0)")
        func numbers(_ seed: UInt64) throws -> LuaStep {
            try state.start(source, field: "run", arguments: [], seed: seed).resume(.begin)
        }
        expectNoDifference(try numbers(1), try numbers(1))
        #expect(try numbers(1) != numbers(2))
    }
}
