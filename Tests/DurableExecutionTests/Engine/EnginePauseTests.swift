import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

@Suite(.timeLimit(.minutes(1))) struct EnginePauseTests {
    /// A bench whose handler holds what is done for a paused rule.
    func bench() throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.permitting = { [pauses = bench.pauses] _, context in
            if let pause = pauses.first(of: ["pack:p", "rule:\(context.invocation.rule)"]) {
                throw CommandFailure.held(Hold(key: pause.subject, reason: pause.reason))
            }
        }
        return bench
    }

    @Test func `what is paused is held until it is resumed`() async throws {
        let bench = try bench()
        try await bench.run { engine in
            try await engine.pause("rule:rule", reason: "too chatty")
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            await engine.idle()
            expectNoDifference(
                engine.pauses.all, [Pause(subject: "rule:rule", reason: "too chatty", at: bench.clock.date)])
            #expect(try await bench.invocation()?.reason == "too chatty")
            #expect(try await engine.resume("rule:rule") == 2)
            await engine.idle()
            #expect(engine.pauses.all.isEmpty)
        }
        #expect(bench.handler.performed.count == 2)
        let notices = bench.observer.notices.filter { $0.contains(" rule:rule") }
        expectNoDifference(
            notices,
            ["paused rule:rule", "held rule by rule:rule", "held rule by rule:rule", "resumed rule:rule"])
    }

    @Test func `a pause outlives the process, and so does what is held by it`() async throws {
        let bench = try bench()
        _ = try await bench.run { engine in try await engine.pause("pack:p", reason: "by ada") }
        bench.pauses.replace(by: [])
        try await bench.process(bench.event("a"))
        #expect(bench.pauses["pack:p"]?.reason == "by ada")
        #expect(try await bench.invocation()?.state == .held)
        try await bench.run { engine in
            await engine.idle()
            #expect(try await bench.invocation()?.state == .held)
            try await engine.resume("pack:p")
            await engine.idle()
        }
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `while everything is paused events come in and nothing is worked on, over a restart too`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("one"), .wait(.seconds(60)), .once("two")]))
        try await bench.process(bench.event("a"))
        _ = try await bench.run { engine in try await engine.pause(Pause.everything, reason: "restored") }
        bench.pauses.replace(by: [])
        bench.clock.advance(by: .seconds(61))
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("b")])
            await engine.idle()
            expectNoDifference(bench.handler.performedNames, ["one"])
            try await expectSame(bench.store.event(2)?.state, .pending)
            try await expectSame(bench.invocation()?.state, .waiting)
            try await engine.resume(Pause.everything)
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames.sorted(), ["one", "one", "two"])
    }

    @Test func `what was resumed and could not be let go is let go when it is resumed again`() async throws {
        let store = MemoryStore()
        let bench = try EngineBench(ScriptedHandler([.once("send")]), store: store)
        bench.handler.permitting = { [pauses = bench.pauses] _, _ in
            if let pause = pauses["rule:rule"] {
                throw CommandFailure.held(Hold(key: pause.subject, reason: pause.reason))
            }
        }
        try await bench.run { engine in
            try await engine.pause("rule:rule", reason: "too chatty")
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            store.fail("release(_:at:limit:epoch:)")
            await #expect(throws: EngineError.self) { try await engine.resume("rule:rule") }
            #expect(try await engine.resume("rule:rule") == 1)
            await engine.idle()
        }
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `what is not paused can't be resumed`() async throws {
        let bench = try bench()
        let error = await #expect(throws: EngineError.self) {
            try await bench.run { engine in try await engine.resume("rule:x") }
        }
        #expect(error?.code == .notFound)
    }

    @Test func `pausing again replaces the reason`() async throws {
        let bench = try bench()
        try await bench.run { engine in
            try await engine.pause("rule:x", reason: "one")
            try await engine.pause("rule:x", reason: "two")
        }
        try await expectSame(bench.store.pauses().map(\.reason), ["two"])
    }

    @Test func `a value set from outside is what rules find`() async throws {
        let bench = try EngineBench(ScriptedHandler([.store(.get(scope: "s", key: "k"))]))
        try await bench.run { engine in
            try await engine.setStoredValue(scope: "s", key: "k", to: Data("true".utf8), ttl: .seconds(60))
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            #expect(try await engine.storedValue(scope: "s", key: "k") == nil)
        }
        try await expectSame(bench.journal().first?.outcome, Data("true".utf8))
    }
}
