import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

/// What events say that counts from their acceptance on.
@Suite(.timeLimit(.minutes(1))) struct EngineFactTests {
    private func fact(_ value: Int) -> Fact {
        Fact(
            scope: "s", key: "k", value: Data("\(value)".utf8), at: Date(timeIntervalSince1970: 1000 + Double(value)))
    }

    @Test func `the handler is told of facts before the event's acceptance returns, and they are on disk by then`()
        async throws
    {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let wasKept = Switch(false)
        bench.handler.hook = { [store = bench.store, handler = bench.handler] step in
            guard step == "kept", try await store.facts(scope: "s").count == 1, handler.facts.isEmpty else { return }
            wasKept.isOn = true
        }
        var event = bench.event("a")
        event.facts = [fact(1)]
        let engine = bench.makeEngine()
        _ = try await engine.accept([event])
        expectNoDifference(bench.handler.facts, [fact(1)])
        #expect(wasKept.isOn)
        try await engine.keep([fact(2)])
        expectNoDifference(bench.handler.facts, [fact(1), fact(2)])
        try await expectSame(engine.facts(scope: "s"), [fact(2)])
    }

    @Test func `what an expired event says is kept with its end, wherever the process dies`() async throws {
        for countdown in 0..<8 {
            let bench = try EngineBench(ScriptedHandler([.once("send")]), store: MemoryStore())
            bench.handler.saying = { [fact = fact(1)] _ in [fact] }
            _ = try await bench.makeEngine().accept([bench.event("a", age: .seconds(90_000))])
            let killSwitch = KillSwitch(after: countdown)
            let engine = bench.makeEngine(on: StoppingStore(base: bench.store, killSwitch: killSwitch))
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await engine.run() }
                group.addTask {
                    await engine.idle()
                    killSwitch.bury()
                }
                await killSwitch.killed()
                killSwitch.bury()
                group.cancelAll()
            }
            let state = try await bench.store.event(1)?.state
            let facts = try await bench.store.facts(scope: "s")
            expectNoDifference(state == .expired, !facts.isEmpty, "killed after \(countdown) points")
            try await bench.run { await $0.idle() }
            try await expectSame(bench.store.event(1)?.state, .expired)
            try await expectSame(bench.store.facts(scope: "s"), [fact(1)])
        }
    }

    @Test func `a rehearsal keeps none`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        var event = bench.event("a")
        event.facts = [fact(1)]
        try await bench.process(event)
        try await bench.run { engine in _ = try await engine.replay(1) }
        expectNoDifference(bench.handler.facts, [fact(1)])
    }
}
