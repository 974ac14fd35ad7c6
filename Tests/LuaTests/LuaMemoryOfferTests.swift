import CustomDump
import Lua
import Testing

/// Memory that a host offers to free when a script is short of it.
@Suite struct LuaMemoryOfferTests {
    /// An invocation that waits and holds 3 MB, in a state of 4 MB.
    private func crowded() throws -> (state: LuaState, other: LuaInvocation) {
        let state = try LuaState(.test(limits: LuaLimits(memoryBytes: 4 << 20, cpu: .seconds(20))))
        let other = try state.start(
            LuaState.rule("local held = ('x'):rep(3 << 20) api.call() return #held"), field: "run", arguments: [])
        _ = other.resume(.begin)
        return (state, other)
    }

    private static let hungry = "local t = {} for i = 1, 30 do t[i] = ('y'):rep(100000) .. i end return #t"

    @Test func `a script that needs memory which waiting ones hold pauses, and goes on once they are dropped`() throws {
        let (state, other) = try crowded()
        state.offer([.state])
        let invocation = try state.start(LuaState.rule(Self.hungry), field: "run", arguments: [])
        expectNoDifference(invocation.resume(.begin), .paused)
        expectNoDifference(state.memoryNeed, .state)
        other.cancel()
        state.collectGarbage()
        state.relieve()
        expectNoDifference(state.memoryNeed, nil)
        expectNoDifference(invocation.resume(.proceed), .finished([30]))
        #expect(!state.isBroken)
    }

    @Test func `a script that itself holds too much is stopped all the same`() throws {
        let (state, other) = try crowded()
        state.offer([.state])
        let body = "local t = {} for i = 1, 1e9 do t[i] = { i } end"
        let invocation = try state.start(LuaState.rule(body), field: "run", arguments: [])
        var step = invocation.resume(.begin)
        other.cancel()
        while step == .paused {
            state.collectGarbage()
            state.relieve()
            state.offer([])
            step = invocation.resume(.proceed)
        }
        guard case .failed(let error) = step else { return #expect(Bool(false)) }
        expectNoDifference(error.limit, .memory)
    }

    @Test func `where it can't pause it may hold as much again until it can`() throws {
        let (state, other) = try crowded()
        state.offer([.state])
        let body = "table.sort({ 2, 1 }, function(a, b) local x = (function() \(Self.hungry) end)() return a < b end)"
        let invocation = try state.start(LuaState.rule(body + " return 'sorted'"), field: "run", arguments: [])
        var step = invocation.resume(.begin)
        if step == .paused {
            other.cancel()
            state.relieve()
            step = invocation.resume(.proceed)
        }
        expectNoDifference(step, .finished(["sorted"]))
    }

    @Test func `without an offer it is stopped`() throws {
        let (state, other) = try crowded()
        let error = try state.failure(Self.hungry)
        expectNoDifference(error.limit, .memory)
        other.cancel()
    }
}
