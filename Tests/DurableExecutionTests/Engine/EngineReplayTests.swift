import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineReplayTests {
    static let commands: [Command] = [
        .read("get"), .once("send"), .store(.increment(scope: "s", key: "n", by: .integer(1))), .repeatable("tag"),
    ]

    @Test func `a rehearsal shows what would happen and performs nothing but reads`() async throws {
        let bench = try EngineBench(ScriptedHandler(Self.commands))
        let isRehearsal = Mutex<[Bool]>([])
        bench.handler.performing = { _, context in
            isRehearsal.withLock { $0.append(context.isRehearsal) }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("first"), bench.event("a"))
        bench.handler.matching = { _ in
            Matching(starts: [Start(rule: "rule", version: "2")], refusals: [Refusal(rule: "r", reason: "no")])
        }
        bench.clock.advance(by: .seconds(30 * 24 * 3600))
        let before = bench.handler.performed.count
        let (trace, events) = try await bench.run { engine in
            (try await engine.replay(2), try await engine.events().count)
        }
        expectNoDifference(bench.handler.performedNames.dropFirst(before), ["get"])
        #expect(isRehearsal.withLock { $0.last } == true && isRehearsal.withLock { $0.first } == false)
        #expect(events == 2 && trace.event.sequence == 2 && trace.event.state == .done)
        let run = trace.invocations[0]
        #expect(run.invocation.version == "2" && run.invocation.state == .finished)
        #expect(run.invocation.id == InvocationID(event: 2, place: 0).text)
        let outcomes = run.entries.map { String(decoding: $0.outcome ?? Data(), as: UTF8.self) }
        expectNoDifference(outcomes, ["1", "\"rehearsed send\"", "3", "\"rehearsed tag\""])
        expectNoDifference(trace.refusals, [Refusal(rule: "r", reason: "no")])
        #expect(try await bench.store.value(scope: "s", key: "n", at: bench.clock.date) == Data("2".utf8))
    }

    @Test func `a rehearsal ends where the rule would wait`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("ask"), .wait(), .once("thank")]))
        try await bench.process(bench.event("a"))
        let trace = try await bench.run { engine in try await engine.replay(1) }
        #expect(trace.invocations[0].invocation.state == .waiting)
        #expect(trace.invocations[0].entries.map(\.state) == [.succeeded, .waiting])
    }

    @Test func `a policy's refusal is shown`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await bench.process(bench.event("a"))
        bench.handler.permitting = { _, _ in throw CommandFailure(code: "opted_out", message: "STOP") }
        let trace = try await bench.run { engine in try await engine.replay(1) }
        #expect(trace.invocations[0].invocation.failure?.code == "opted_out")
    }

    @Test func `an event can be rehearsed while nothing runs`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await bench.process(bench.event("a"))
        #expect(try await bench.makeEngine().replay(1).invocations.count == 1)
    }

    @Test func `performing runs the event again as a new one, without preparing it again`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.preparing = { event, claims in
            guard try await claims.claim("message") == .claimed else { return .duplicate(of: nil, reason: "known") }
            return .ready(payload: Data("prepared".utf8))
        }
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: .seconds(30 * 24 * 3600))
        let sequences = try await bench.run { engine in
            let first = try await engine.replay(1, performing: true).event
            let second = try await engine.replay(1, performing: true).event
            await engine.idle()
            expectNoDifference([first, second].map(\.identity), ["replay:1:1", "replay:1:2"])
            return [first.sequence, second.sequence]
        }
        expectNoDifference(sequences, [2, 3])
        expectNoDifference(bench.handler.performed.map(\.event), [1, 2, 3])
        #expect(try await bench.store.event(2)?.payload == Data("prepared".utf8))
    }

    @Test func `what is not there, was forgotten or never had a turn is refused`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.preparing = { event, _ in
            if event.identity == "bad" { throw EngineFailure("unreadable", retryable: false) }
            return .ready(payload: event.payload)
        }
        try await bench.process(bench.event("a"), bench.event("bad", queue: "other"))
        try await bench.run { engine in
            var codes: [EngineError.Code?] = []
            try await engine.forget(queues: ["q"])
            for (sequence, performing) in [(Int64(9), false), (1, false), (1, true), (2, true)] {
                let error = await #expect(throws: EngineError.self) {
                    _ = try await engine.replay(sequence, performing: performing)
                }
                codes.append(error?.code)
            }
            expectNoDifference(codes, [.notFound, .conflict, .conflict, .conflict])
        }
    }

    @Test func `an event that failed is tried again by hand`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let isBroken = Switch(true)
        bench.handler.preparing = { event, _ in
            if isBroken.isOn { throw EngineFailure("unreadable", retryable: false) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            #expect(try await engine.event(1)?.state == .failed)
            isBroken.isOn = false
            try await expectSame(engine.retry(event: 1).state, .pending)
            await engine.idle()
            let error = await #expect(throws: EngineError.self) { try await engine.retry(event: 1) }
            #expect(error?.code == .conflict)
        }
        expectNoDifference(bench.handler.performedNames, ["send"])
        #expect(try await bench.store.event(1)?.state == .done)
    }

    @Test func `an event that was too old to be run is run if a person says so`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.matching = { _ in throw EngineFailure("broken", retryable: false) }
        try await bench.process(bench.event("failed"), bench.event("old", age: .seconds(90_000)))
        bench.clock.advance(by: .seconds(90_000))
        bench.handler.matching = { _ in Matching(starts: [Start(rule: "rule", version: "1")]) }
        try await bench.run { engine in
            // What happened earlier had its turn first.
            try await expectSame(engine.events().map(\.state), [.failed, .expired])
            for number: Int64 in 1...2 { try await engine.retry(event: number) }
            await engine.idle()
            try await expectSame(engine.events().map(\.state), [.done, .done])
        }
        expectNoDifference(bench.handler.performedNames, ["send", "send"])
    }

    @Test func `an old message that is replayed ends nobody's wait`() async throws {
        let bench = try EngineBench(ScriptedHandler([.ask("ask"), .wait(), .once("thank")]))
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        try await bench.process(bench.event("r", kind: "reply"), bench.event("a"))
        try await bench.run { engine in
            _ = try await engine.replay(1, performing: true)
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["ask"])
        try await expectSame(bench.invocation(2)?.state, .waiting)
    }
}
