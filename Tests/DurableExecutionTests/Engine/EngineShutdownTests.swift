import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// Stopping in the middle of things.
@Suite(.timeLimit(.minutes(1))) struct EngineShutdownTests {
    let id = InvocationID(event: 1, place: 0).text

    /// Runs an engine, and `body` once `point` of the handler was reached, where it waits for the returned closure.
    func stop(
        _ bench: EngineBench, at point: String,
        _ body: @escaping @Sendable (Engine, _ proceed: @escaping @Sendable () -> Void) async throws -> Void
    ) async throws {
        let (reached, reach) = AsyncStream.makeStream(of: Void.self)
        let (over, proceed) = AsyncStream.makeStream(of: Void.self)
        bench.handler.hook = { passed in
            guard passed == point else { return }
            reach.yield()
            for await _ in over {}
            try Task.checkCancellation()
        }
        let engine = bench.makeEngine()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            for await _ in reached.prefix(1) {}
            try await body(engine) { proceed.finish() }
            try await group.waitForAll()
        }
        proceed.finish()
        bench.handler.hook = { _ in }
    }

    @Test func `what ends within the grace is journaled, and nothing is unknown`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        try await stop(bench, at: "perform send") { engine, proceed in
            engine.shutdown(within: .seconds(20))
            bench.clock.advance(by: .seconds(19))
            proceed()
        }
        try await expectSame(bench.journal().map(\.state), [.succeeded])
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["send", "react"])
    }

    @Test func `what does not end within the grace is cut off, and looked for at the next start`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        try await stop(bench, at: "perform send") { engine, _ in
            engine.shutdown(within: .seconds(20))
            await bench.clock.sleepers(atLeast: 1)
            bench.clock.advance(by: .seconds(20))
        }
        try await expectSame(bench.journal().map(\.state), [.intended])
        bench.handler.looking = { _, _ in .tookPlace(outcome: Data("1".utf8)) }
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["react"])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `an effect that was only being judged is not begun any more`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await stop(bench, at: "permit send") { engine, proceed in
            engine.shutdown(within: .seconds(20))
            proceed()
        }
        expectNoDifference(bench.handler.performedNames, [])
        try await expectSame(bench.journal(), [])
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["send"])
    }

    @Test func `a run is not cancelled again and again while the engine stops`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        try await stop(bench, at: "perform send") { engine, proceed in
            engine.shutdown()
            // It returns though the send is still in the air.
            let asked = try await engine.cancel(id, reason: "enough")
            expectNoDifference(asked.state, .running)
            proceed()
        }
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["send"])
        #expect(try await bench.invocation()?.state == .cancelled)
    }

    @Test func `a rule is not restarted beside its own run that a stop lets end`() async throws {
        let bench = try EngineBench(
            ScriptedHandler([.wait(.seconds(60), kind: "nothing", queue: nil), .once("send"), .once("react")]))
        bench.handler.matching = { _ in Matching(starts: [Start(rule: "rule", version: "1", mode: .restart)]) }
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: .seconds(60))
        try await stop(bench, at: "perform send") { engine, proceed in
            _ = try await engine.accept([bench.event("b")])
            while bench.handler.matched.count < 2 {
                try Task.checkCancellation()
                await Task.yield()
            }
            engine.shutdown()
            // Had it been started, that would show soon.
            for _ in 0..<1000 { await Task.yield() }
            try await expectSame(bench.store.event(2)?.state, .pending)
            proceed()
        }
        try await bench.run { engine in await engine.idle() }
        try await expectSame(bench.invocation(1)?.state, .cancelled)
        expectNoDifference(bench.handler.performedNames, ["send"])
    }

    @Test func `forgetting says that it can't while a run ends`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await stop(bench, at: "perform send") { engine, proceed in
            engine.shutdown()
            let error = await #expect(throws: EngineError.self) { try await engine.forget(queues: ["q"]) }
            #expect(error?.code == .unavailable)
            proceed()
        }
    }

    @Test func `whoever waits for idleness goes on once the engine was cancelled, or failed to start`() async throws {
        let bench = try EngineBench()
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.cancelAll()
        }
        await engine.idle()

        let late = bench.makeEngine()
        _ = try await late.accept([bench.event("a")])
        _ = try await bench.store.takeOver()
        await #expect(throws: EngineError.self) { try await late.run() }
        await late.idle()
    }
}
