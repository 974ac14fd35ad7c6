import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

/// Events that a rule's own effects lead to.
@Suite(.timeLimit(.minutes(1))) struct EngineCauseTests {
    let id = InvocationID(event: 1, place: 0).text

    func bench() throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        bench.handler.performing = { _, context in Data("\"m\(context.event.sequence)\"".utf8) }
        bench.handler.producing = { _, outcome in [String(decoding: outcome, as: UTF8.self)] }
        return bench
    }

    @Test func `an event that comes after the outcome has the invocation as its cause`() async throws {
        let bench = try bench()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("\"m1\"", kind: "echo"), bench.event("x", kind: "echo")])
            await engine.idle()
        }
        try await expectSame(bench.store.events(EventFilter()).map(\.cause), [nil, id, nil])
    }

    @Test func `an event that came before the outcome was kept, and has not had its turn, gets it too`() async throws {
        let bench = try bench()
        let sending = Switch()
        bench.handler.preparing = { [handler = bench.handler] event, _ in
            if event.kind == "echo", !sending.isOn { throw EngineFailure("not yet", retryable: true) }
            #expect(event.kind != "echo" || handler.performed.count == 1)
            return .ready(payload: event.payload)
        }
        let seen = Switch()
        bench.handler.matching = { [id] event in
            if event.kind == "echo" { seen.isOn = event.cause == id }
            return Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("\"m2\"", queue: "other", kind: "echo")])
            await engine.idle()
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            sending.isOn = true
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
        }
        let cause = InvocationID(event: 2, place: 0).text
        #expect(try await bench.store.event(1)?.cause == cause)
        #expect(!seen.isOn)
    }

    @Test func `a claim may tell the cause, also after a restart`() async throws {
        let bench = try bench()
        try await bench.process(bench.event("a"))
        let seen = Switch()
        bench.handler.preparing = { event, claims in
            _ = try await claims.claim("\"m1\"")
            return .ready(payload: event.payload)
        }
        bench.handler.matching = { [id] event in
            seen.isOn = event.cause == id
            return Matching()
        }
        try await bench.process(bench.event("without an id", kind: "echo"))
        #expect(seen.isOn)
    }

    @Test func `a cause that was named stays`() async throws {
        let bench = try bench()
        try await bench.process(bench.event("a"))
        var echo = bench.event("\"m1\"", kind: "echo")
        echo.cause = "inv_0000000000990000"
        try await bench.process(echo)
        #expect(try await bench.store.event(2)?.cause == "inv_0000000000990000")
    }

    @Test func `rules that answer themselves end`() async throws {
        let bench = try bench()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            for sequence in 1...17 {
                await engine.idle()
                _ = try await engine.accept([bench.event("\"m\(sequence)\"")])
            }
            await engine.idle()
        }
        #expect(bench.handler.performed.count == 17)
        let last = try await bench.store.event(18)
        #expect(last?.state == .failed && last?.note?.contains("16 rules in a row") == true)
    }

    @Test func `what a look finds, and what a person says was sent, names its events as well`() async throws {
        let bench = try bench()
        bench.handler.performing = { _, _ in throw CommandFailure(code: "lost", message: "lost", outcomeUnknown: true) }
        bench.handler.looking = { _, context in
            context.event.sequence == 1 ? .tookPlace(outcome: Data("\"found\"".utf8)) : .unknowable
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            await engine.idle()
            let second = InvocationID(event: 2, place: 0).text
            try await engine.resolve(second, .sent(outcome: Data("\"said\"".utf8)))
            await engine.idle()
            _ = try await engine.accept([bench.event("\"found\"", kind: "echo"), bench.event("\"said\"", kind: "echo")])
            await engine.idle()
        }
        try await expectSame(
            bench.store.events(EventFilter()).prefix(2).map(\.cause), [InvocationID(event: 2, place: 0).text, id])
    }
}
