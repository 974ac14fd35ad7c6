import CustomDump
import Lua
import Testing

/// Limits small enough for tests, large enough for a loaded machine: processor time does not pass while it waits.
extension LuaLimits {
    static let tight = LuaLimits(
        memoryBytes: 8 << 20, cpu: .milliseconds(30), wall: .seconds(20), slice: .milliseconds(2))
}

@Suite struct LuaLimitsTests {
    @Test func `a loop ends with its processor time, and the error says which limit to raise`() throws {
        let state = try LuaState(.test(limits: .tight))
        let error = try state.failure("local function spin() while true do end end\nspin()")
        expectNoDifference(
            error,
            LuaError(
                code: .limit,
                message: """
                    rules/test.lua:2: used more than 30 ms of processor time; do less at once, or raise limits.cpu
                    """,
                file: "rules/test.lua", line: 2, sourceLine: "local function spin() while true do end end",
                traceback: """
                    rules/test.lua:2: in local 'spin'
                    rules/test.lua:3: in function <rules/test.lua:1>
                    """,
                limit: .cpu))
        #expect(state.isBroken)
    }

    @Test func `loading a file has the same limit`() throws {
        let state = try LuaState(.test(limits: .tight))
        let error = #expect(throws: LuaError.self) {
            _ = try state.describe(LuaSource(name: "x.lua", text: "while true do end"))
        }
        #expect(error?.limit == .cpu)
    }

    /// Resumes a script that works for about 10 ms before each of its commands, and tells how it ended.
    private func work(rounds: Int, _ allowance: LuaAllowance) throws -> (LuaStep, cpuTime: Duration) {
        let state = try LuaState(.test(limits: .tight))
        let body = "for round = 1, \(rounds) do local s = 0 for i = 1, 1500000 do s = s + i % 7 end api.call() end"
        let invocation = try state.start(LuaState.rule(body), field: "run", arguments: [])
        var step = invocation.resume(.begin)
        while !invocation.isDone {
            step = invocation.resume(step == .paused ? .proceed : .values([]), allowance: allowance)
        }
        return (step, invocation.cpuTime)
    }

    @Test func `processor time begins anew at each answer`() throws {
        let (step, cpuTime) = try work(rounds: 20, .renewed())
        expectNoDifference(step, .finished([]))
        #expect(cpuTime > .milliseconds(30))
    }

    @Test func `an answer that cost nobody anything is charged to the step before`() throws {
        let (step, cpuTime) = try work(rounds: 1000, .remaining)
        guard case .failed(let error) = step else { return #expect(Bool(false)) }
        #expect(error.limit == .cpu)
        #expect(cpuTime < .milliseconds(300))
    }

    @Test func `a step may be given more than once its time, and the error says how much it had`() throws {
        let state = try LuaState(.test(limits: .tight))
        let invocation = try state.start(LuaState.rule("while true do end"), field: "run", arguments: [])
        var step = invocation.resume(.begin, allowance: .renewed(times: 4))
        while step == .paused { step = invocation.resume(.proceed) }
        guard case .failed(let error) = step else { return #expect(Bool(false)) }
        #expect(error.message.contains("used more than 120 ms of processor time"))
        #expect(invocation.cpuTime >= .milliseconds(120))
    }

    @Test func `the time of a step on the clock begins anew at each answer`() throws {
        let clock = ContinuousClock()
        let stall: LuaHostFunction = { _ in
            let end = clock.now + .milliseconds(30)
            while clock.now < end {}
            return []
        }
        let state = try LuaState(
            .test(functions: ["stall": stall], limits: LuaLimits(cpu: .seconds(60), wall: .milliseconds(100))))
        let body = "for i = 1, 8 do host_functions.stall() api.call() end"
        expectNoDifference(try state.run(body), [])
        let error = try state.failure("for i = 1, 8 do host_functions.stall() end")
        #expect(error.limit == .wall)
    }

    @Test(arguments: [
        "local s = 0 for i = 1, 3000000 do s = s + 1 end", "require('slow')",
        "coroutine.wrap(function() local s = 0 for i = 1, 3000000 do s = s + 1 end end)()",
    ])
    func `a file that takes long to load pauses as well`(text: String) throws {
        var environment = LuaEnvironment.test(limits: LuaLimits(cpu: .seconds(60), slice: .milliseconds(1)))
        environment.modules["slow"] = LuaSource(
            name: "slow.lua", text: "local s = 0 for i = 1, 3000000 do s = s + 1 end return s")
        let state = try LuaState(environment)
        let source = LuaSource(name: "rules/test.lua", text: "\(text)\nreturn { run = function(...) return ... end }")
        let invocation = try state.begin(source, field: "run", arguments: [7])
        var step = invocation.resume(.begin)
        var pauses = 0
        while step == .paused {
            pauses += 1
            step = invocation.resume(.proceed)
        }
        expectNoDifference(step, .finished([7]))
        #expect(pauses > 3)
    }

    @Test func `what is wrong with a file fails the first step`() throws {
        let state = try LuaState(.test(limits: .tight))
        let missing = try state.begin(
            LuaSource(name: "a.lua", text: "return { run = 1 }"), field: "run", arguments: [])
        guard case .failed(let first) = missing.resume(.begin) else { return #expect(Bool(false)) }
        #expect(first.message.contains("'run' must be a function"))
        let endless = try state.begin(
            LuaSource(name: "b.lua", text: "while true do end"), field: "run", arguments: [])
        var step = endless.resume(.begin)
        while step == .paused { step = endless.resume(.proceed) }
        guard case .failed(let second) = step else { return #expect(Bool(false)) }
        #expect(second.limit == .cpu)
        #expect(throws: LuaError.self) {
            try state.begin(LuaSource(name: "c.lua", text: "return {"), field: "run", arguments: [])
        }
    }

    @Test func `a long step pauses and goes on where it was`() throws {
        let state = try LuaState(
            .test(limits: LuaLimits(cpu: .seconds(60), wall: .seconds(60), slice: .milliseconds(1))))
        let body = """
            local function work(n) local s = 0 for i = 1, n do s = s + i % 7 end return s end
            local co = coroutine.wrap(function() for _ = 1, 30 do coroutine.yield(work(100000)) end return "end" end)
            local total = 0
            for value in co do if value == "end" then break end total = total + value end
            return total, select(2, pcall(work, 2000000))
            """
        let invocation = try state.start(LuaState.rule(body), field: "run", arguments: [])
        var step = invocation.resume(.begin)
        var pauses = 0
        while step == .paused {
            pauses += 1
            step = invocation.resume(.proceed)
        }
        expectNoDifference(step, .finished([9_000_000, 5_999_997]))
        #expect(pauses > 3)
    }

    @Test func `paused invocations of one state take turns`() throws {
        let state = try LuaState(
            .test(limits: LuaLimits(cpu: .seconds(60), wall: .seconds(60), slice: .milliseconds(1))))
        let source = LuaState.rule("local s = 0 for i = 1, 3000000 do s = s + i % 7 end return s")
        let invocations = try (0..<4).map { _ in try state.start(source, field: "run", arguments: []) }
        var steps = invocations.map { $0.resume(.begin) }
        var turns = 0
        while steps.contains(.paused) {
            turns += 1
            for index in steps.indices where steps[index] == .paused {
                steps[index] = invocations[index].resume(.proceed)
            }
        }
        #expect(turns > 3)
        expectNoDifference(steps, Array(repeating: .finished([8_999_997]), count: 4))
    }

    @Test func `memory past the limit stops the script that holds it`() throws {
        let state = try LuaState(.test(limits: LuaLimits(memoryBytes: 4 << 20, cpu: .seconds(20))))
        let error = try state.failure("local t = {}\nfor i = 1, 1e9 do t[i] = { i } end")
        #expect(error.code == .limit)
        #expect(error.limit == .memory)
        #expect(
            error.message
                == "rules/test.lua:3: used more than 4096 KB of memory; keep less at once, or raise limits.memory")
    }

    @Test func `garbage does not count`() throws {
        let state = try LuaState(.test(limits: LuaLimits(memoryBytes: 2 << 20, cpu: .seconds(20))))
        expectNoDifference(
            try state.run("local s for i = 1, 20000 do s = ('x'):rep(1000) .. i end return #s"), [1005])
    }

    @Test func `a state next to a stopped one is not touched`() throws {
        let first = try LuaState(.test(limits: .tight))
        let second = try LuaState(.test(limits: .tight))
        let invocation = try second.start(LuaState.rule("return api.call(1) + 1"), field: "run", arguments: [])
        _ = invocation.resume(.begin)
        #expect(try first.failure("while true do end").limit == .cpu)
        expectNoDifference(invocation.resume(.values([4])), .finished([5]))
        expectNoDifference(try second.run("local n = 0 for i = 1, 1000 do n = n + i end return n"), [500_500])
        #expect(!second.isBroken)
    }

    @Test func `a stop meant for one step does not land in the next`() throws {
        let state = try LuaState(.test(limits: LuaLimits(cpu: .seconds(60), slice: .milliseconds(1))))
        for round in 0..<300 {
            let body = "local n = 0 for i = 1, \(5000 + round * 400) do n = n + 1 end return n"
            expectNoDifference(try state.run(body), [.integer(Int64(5000 + round * 400))])
        }
        #expect(!state.isBroken)
    }

    @Test func `states on many threads are stopped each for itself`() async throws {
        let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<12 {
                group.addTask {
                    let state = try LuaState(.test(limits: .tight))
                    if index % 2 == 0 {
                        return try state.failure("pcall(function() while true do end end)").limit == .cpu
                    }
                    return try state.run("local n = 0 for i = 1, 10000 do n = n + i end return n") == [50_005_000]
                }
            }
            return try await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.allSatisfy { $0 })
    }

    @Test func `the time of one step is limited, whatever it waits for`() throws {
        let clock = ContinuousClock()
        let state = try LuaState(
            .test(
                functions: [
                    "stall": { _ in
                        let end = clock.now + .milliseconds(30)
                        while clock.now < end {}
                        return []
                    }
                ], limits: LuaLimits(cpu: .seconds(60), wall: .milliseconds(20))))
        let error = try state.failure("while true do host_functions.stall() end")
        #expect(error.limit == .wall)
        #expect(
            error.message.hasSuffix("used more than 20 ms of time in one step; do less at once, or raise limits.wall"))
    }

    /// In a process of its own, since the ceiling is the whole process's.
    @Test func `past the ceiling of the process the running script is stopped`() async {
        await #expect(processExitsWith: .success) {
            LuaLimits.setMemoryCeiling(4 << 20)
            let state = try LuaState(.test(limits: LuaLimits(cpu: .seconds(20))))
            let error = try state.failure("local t = {}\nfor i = 1, 1e9 do t[i] = { i } end")
            #expect(error.limit == .memory)
            #expect(
                error.message
                    == "rules/test.lua:3: stopped since all scripts together hold more than 4096 KB; "
                    + "keep less at once, or raise limits.process_memory"
            )
            LuaLimits.setMemoryCeiling(nil)
            #expect(try LuaState(.test()).run("return #('x'):rep(8000000)") == [8_000_000])
        }
    }

    /// A state needs some 20 KB to open; below an eighth of that, Lua is refused memory on the way.
    @Test func `a state short of memory fails cleanly, however short`() throws {
        let body = """
            local parts = {}
            for i = 1, 50 do parts[i] = json.encode({ i, { text = ("x"):rep(i) } }) end
            local co = coroutine.wrap(function() return api.call(json.decode("[" .. table.concat(parts, ",") .. "]")) end)
            return pcall(co), (table.concat(parts):gsub("x", "%0%0"))
            """
        var outcomes: Set<String> = []
        for bytes in stride(from: 64, to: 120_000, by: 211) {
            do throws(LuaError) {
                let state = try LuaState(.test(limits: LuaLimits(memoryBytes: bytes, cpu: .seconds(60))))
                _ = try state.run(body)
                outcomes.insert("finished")
            } catch {
                #expect(error.limit == .memory || error.message.contains("too large"), "\(bytes): \(error)")
                outcomes.insert(error.code.rawValue)
            }
        }
        #expect(outcomes.isSuperset(of: ["memory", "limit", "finished"]), "\(outcomes)")
    }
}
