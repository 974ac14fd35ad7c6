import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineForgetTests {
    func event(_ bench: EngineBench, _ name: String, queue: String = "ada", kind: String = "message") -> NewEvent {
        NewEvent(
            identities: [name], queue: queue, kind: kind, source: "webhook",
            payload: Data("\"a secret of \(queue)\"".utf8),
            occurredAt: bench.clock.date)
    }

    /// A bench where `ada` has an ended, a waiting and a retrying invocation, and `bob` one of his own.
    func bench(store: (any DurableStore)? = nil) async throws -> EngineBench {
        let bench = try EngineBench(
            ScriptedHandler([.store(.set(scope: "ada", key: "k", value: Data("\"a secret of ada\"".utf8)))]),
            store: store)
        bench.handler.scripts["waits"] = ScriptedProgram.making([.once("a secret of ada"), .wait(queue: "ada")])
        bench.handler.scripts["fails"] = ScriptedProgram.making([.repeatable("tag")])
        bench.handler.performing = { command, _ in
            if command.name == "tag" { throw CommandFailure(code: "down", message: "a secret of ada", retryable: true) }
            return Data("\"a secret of ada\"".utf8)
        }
        bench.handler.matching = { event in
            Matching(
                starts: (event.queue == "bob" ? ["rule"] : ["rule", "waits", "fails"]).map {
                    Start(rule: $0, version: "1")
                }, refusals: [Refusal(rule: "none", reason: "a secret of \(event.queue)")])
        }
        try await bench.process(event(bench, "a"), event(bench, "b", queue: "bob"))
        return bench
    }

    @Test func `everything of the queue is erased, and nothing of others`() async throws {
        let bench = try await bench()
        let before = try await bench.makeEngine().trace(ofEvent: 2)
        let forgotten = try await bench.run { engine in try await engine.forget(queues: ["ada"], scopes: ["ada"]) }
        expectNoDifference(forgotten, Forgotten(events: 1, invocations: 3, values: 1))
        let trace = try await bench.makeEngine().trace(ofEvent: 1)
        #expect(trace.event.state == .forgotten && trace.event.payload.isEmpty && trace.refusals.isEmpty)
        expectNoDifference(trace.invocations.map(\.invocation.state), [.finished, .cancelled, .cancelled])
        #expect(trace.invocations.allSatisfy { $0.entries.isEmpty && $0.logs.isEmpty && $0.invocation.failure == nil })
        #expect(try await bench.store.waits(on: "ada").waits.isEmpty)
        try await expectSame(bench.makeEngine().trace(ofEvent: 2), before)
    }

    @Test func `nothing of it comes again`() async throws {
        let bench = try await bench()
        try await bench.run { engine in
            try await engine.forget(queues: ["ada"])
            try await expectSame(engine.accept([event(bench, "a")]), [.duplicate(of: 1)])
            bench.clock.advance(by: .seconds(100_000))
            await engine.idle()
        }
        #expect(bench.handler.performedNames.filter { $0 == "tag" }.count == 1)
    }

    @Test func `what was deleted can't be read from the files`() async throws {
        let folder = try TemporaryFolder()
        let bench = try await bench(store: SQLiteStore(path: folder.path("engine.db")))
        func secrets() -> [String] {
            ["engine.db", "engine.db-wal"].compactMap { name in
                let data = (try? Data(contentsOf: URL(fileURLWithPath: folder.path(name)))) ?? Data()
                guard let range = data.range(of: Data("a secret of ada".utf8)) else { return nil }
                let around = data[max(range.lowerBound - 60, 0)..<min(range.upperBound + 20, data.count)]
                return "\(name) at \(range): " + String(decoding: around, as: UTF8.self)
            }
        }
        #expect(!secrets().isEmpty)
        _ = try await bench.run { engine in try await engine.forget(queues: ["ada"], scopes: ["ada"]) }
        expectNoDifference(secrets(), [])
    }

    @Test func `events that wait for their turn are forgotten before they run, and the queue goes on`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let isUp = Switch()
        bench.handler.preparing = { event, _ in
            if !isUp.isOn { throw EngineFailure("down", retryable: true) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept((0..<40).map { event(bench, "\($0)") })
            await engine.idle()
            try await expectSame(engine.forget(queues: ["ada"]), Forgotten(events: 40))
            isUp.isOn = true
            bench.clock.advance(by: .seconds(600))
            _ = try await engine.accept([event(bench, "later")])
            await engine.idle()
        }
        expectNoDifference(bench.handler.performed.map(\.event), [41])
    }

    @Test func `a wait elsewhere ends when the event that might have answered it is forgotten`() async throws {
        let bench = try EngineBench()
        bench.handler.scripts["asks"] = ScriptedProgram.making([.wait(.seconds(60), queue: "ada")])
        bench.handler.matching = { event in
            Matching(starts: event.queue == "bob" ? [Start(rule: "asks", version: "1")] : [])
        }
        bench.handler.preparing = { event, _ in
            guard event.queue == "ada" else { return .ready(payload: event.payload) }
            throw EngineFailure("down", retryable: true, retryAfter: .seconds(3600))
        }
        try await bench.run { engine in
            _ = try await engine.accept([event(bench, "b", queue: "bob")])
            await engine.idle()
            _ = try await engine.accept([event(bench, "a", kind: "reply")])
            await engine.idle()
            bench.clock.advance(by: .seconds(120))
            await engine.idle()
            try await expectSame(bench.invocation()?.state, .waiting)
            try await engine.forget(queues: ["ada"])
            await engine.idle()
            try await expectSame(bench.invocation()?.state, .finished)
        }
    }

    @Test func `an invocation that runs ends first`() async throws {
        let bench = try EngineBench()
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(.once("again"))) }
        let (inAir, enter) = AsyncStream.makeStream(of: Void.self)
        bench.handler.performing = { _, _ in
            enter.yield()
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            for await _ in inAir.prefix(1) {}
            try await expectSame(engine.forget(queues: ["q"]), Forgotten(events: 1, invocations: 1))
            await engine.idle()
        }
        #expect(try await bench.invocation()?.state == .cancelled)
        #expect(try await bench.journal().isEmpty)
        #expect(try await bench.store.event(1)?.state == .forgotten)
    }

    @Test func `what failed and was forgotten can't be tried again`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.performing = { _, _ in throw CommandFailure.gone }
        let id = InvocationID(event: 1, place: 0).text
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.forget(queues: ["q"])
            for attempt in [{ try await engine.retry(id) }, { try await engine.restart(id, repeating: true) }] {
                let error = await #expect(throws: EngineError.self) { _ = try await attempt() }
                #expect(error?.code == .conflict)
            }
        }
        #expect(bench.handler.performed.count == 1)
    }

    @Test func `it is done in bounded steps`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await bench.run { engine in
            _ = try await engine.accept((0..<450).map { bench.event("\($0)") })
            await engine.idle()
            try await expectSame(engine.forget(queues: ["q"]), Forgotten(events: 450, invocations: 450))
        }
    }

    @Test func `an event that begins to run just before it is erased is ended first`() async throws {
        let (inAir, enter) = AsyncStream.makeStream(of: Void.self)
        let isUp = Switch()
        let began = Switch()
        let clock = ManualClock()
        let store = try StoppingStore(
            base: SQLiteStore.inMemory(), killSwitch: KillSwitch(after: .max),
            before: { name in
                guard name == "forget", !began.isOn else { return }
                began.isOn = true
                isUp.isOn = true
                clock.advance(by: .seconds(600))
                for await _ in inAir.prefix(1) {}
            })
        var bench = try EngineBench(store: store)
        bench.clock = clock
        bench.handler.preparing = { event, _ in
            if !isUp.isOn { throw EngineFailure("down", retryable: true) }
            return .ready(payload: event.payload)
        }
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(.once("again"))) }
        bench.handler.performing = { _, _ in
            enter.yield()
            return Data("\"a secret of ada\"".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([event(bench, "a")])
            await engine.idle()
            try await expectSame(engine.forget(queues: ["ada"]), Forgotten(events: 1, invocations: 1))
            await engine.idle()
        }
        #expect(try await bench.invocation()?.state == .cancelled)
        #expect(try await bench.journal().isEmpty)
        #expect(try await bench.invocation()?.result == nil)
    }
}
