import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineTests {
    @Test func `an event is prepared, matched and run, and each step is told`() async throws {
        let bench = try EngineBench(ScriptedHandler([.read("get"), .once("send")]))
        bench.handler.matching = { _ in
            Matching(starts: [Start(rule: "rule", version: "1")], refusals: [Refusal(rule: "other", reason: "channel")])
        }
        try await bench.process(bench.event("a"))
        expectNoDifference(
            bench.observer.notices,
            [
                "accepted 1", "prepared 1", "matched 1: [\"rule\"] not [\"other\"]", "started rule attempt 1",
                "log before get", "command 0 get", "succeeded 0 get", "log before send", "command 1 send",
                "succeeded 1 send", "ended rule finished", "event 1 done",
            ])
    }

    @Test func `a trace has the event, the refusals, every command and the log lines`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.matching = { _ in
            Matching(starts: [Start(rule: "rule", version: "7")], refusals: [Refusal(rule: "other", reason: "channel")])
        }
        try await bench.process(bench.event("a"))
        let time = bench.clock.date
        var event = Event.example(sequence: 1)
        event.identity = "a"
        event.state = .done
        let id = InvocationID(event: 1, place: 0).text
        let trace = try await bench.makeEngine().trace(ofEvent: 1)
        expectNoDifference(
            trace,
            EventTrace(
                event: event, refusals: [Refusal(rule: "other", reason: "channel")],
                invocations: [
                    InvocationTrace(
                        invocation: Invocation(
                            id: id, event: 1, queue: "q", rule: "rule", version: "7", state: .finished, attempt: 1,
                            createdAt: time, updatedAt: time),
                        entries: [
                            JournalEntry(
                                invocation: id, position: 0, name: "send", input: Data(#"{"name":"send"}"#.utf8),
                                effect: "once", location: "rules/a.lua:7", state: .succeeded,
                                outcome: Data("\"ok\"".utf8), attempts: 1, intendedAt: time, asked: (1 << 40) + 1,
                                endedAt: time)
                        ],
                        logs: [
                            RecordedLog(position: 0, line: LogLine(level: "info", message: "before send"), at: time)
                        ])
                ]))
    }

    @Test func `an unknown event or invocation is not found`() async throws {
        let engine = try EngineBench().makeEngine()
        let error = await #expect(throws: EngineError.self) { try await engine.trace(ofEvent: 9) }
        #expect(error?.code == .notFound)
        await #expect(throws: EngineError.self) { try await engine.trace(ofInvocation: "nonsense") }
    }

    @Test func `a repeated delivery is accepted once`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let acceptances = try await bench.process(bench.event("a"), bench.event("b"), bench.event("a"))
        expectNoDifference(acceptances, [.accepted(1), .accepted(2), .duplicate(of: 1)])
        expectNoDifference(bench.handler.performedNames, ["send", "send"])
    }

    @Test func `an event without identity is refused`() async throws {
        let bench = try EngineBench()
        var event = bench.event("a")
        event.identities = []
        let engine = bench.makeEngine()
        let error = await #expect(throws: EngineError.self) { try await engine.accept([event]) }
        #expect(error?.code == .badInput)
    }

    @Test func `events of one queue run in the order of acceptance`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.performing = { _, context in
            for _ in 0..<(context.event.sequence % 3) { await Task.yield() }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            for index in 0..<40 { _ = try await engine.accept([bench.event("\(index)")]) }
            await engine.idle()
        }
        expectNoDifference(bench.handler.performed.map(\.event), Array(1...40))
    }

    @Test func `queues run side by side`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("meet")]))
        let meeting = Meeting(of: 3)
        bench.handler.performing = { _, _ in
            await meeting.arrive()
            return Data("1".utf8)
        }
        try await bench.process(
            bench.event("a", queue: "1"), bench.event("b", queue: "2"), bench.event("c", queue: "3"))
        #expect(bench.handler.performed.count == 3)
    }

    @Test func `no more is worked on at once than allowed`() async throws {
        var bench = try EngineBench(ScriptedHandler([.once("work")]))
        bench.configuration.parallelism = 2
        let load = Mutex((now: 0, most: 0))
        let pairs = Meeting(of: 2)
        bench.handler.performing = { _, _ in
            load.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            await pairs.arrive()
            load.withLock { $0.now -= 1 }
            return Data("1".utf8)
        }
        let events = (0..<20).map { bench.event("\($0)", queue: "\($0)") }
        try await bench.run { engine in
            _ = try await engine.accept(events)
            await engine.idle()
        }
        #expect(load.withLock { $0.most } == 2)
        #expect(bench.handler.performed.count == 20)
    }

    @Test func `rules of one event start in the order given, and one that fails holds up no other`() async throws {
        let bench = try EngineBench()
        bench.handler.matching = { _ in
            Matching(starts: ["z", "missing", "bad", "a"].map { Start(rule: $0, version: "1") })
        }
        let bad = ProgramFailure(
            code: "runtime", message: "rules/bad.lua:1: oh", traceback: "stack", location: "rules/bad.lua:1")
        bench.handler.scripts = [
            "z": ScriptedProgram.making([.once("send z")]), "a": ScriptedProgram.making([.once("send a")]),
            "bad": { _ in ProgramStep(next: .failed(bad)) },
        ]
        try await bench.process(bench.event("a"))
        expectNoDifference(bench.handler.performedNames, ["send z", "send a"])
        let invocations = try await bench.store.starts(of: 1) ?? []
        expectNoDifference(invocations.map(\.state), [.finished, .failed, .failed, .finished])
        expectNoDifference(
            invocations.map(\.failure),
            [nil, ProgramFailure(code: "no_program", message: "there is no rule missing"), bad, nil])
        #expect(bench.handler.livePrograms == 0)
    }

    @Test func `an event older than the limit is recorded as expired and not run`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await bench.process(bench.event("old", age: .seconds(25 * 3600)), bench.event("new"))
        #expect(bench.handler.performed.map(\.event) == [2])
        let old = try await bench.store.event(1)
        #expect(old?.state == .expired)
        #expect(old?.note?.contains("older than") == true)
    }

    @Test func `rules that answer each other for ever are stopped`() async throws {
        var bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.configuration.causeLimit = 3
        try await bench.run { engine in
            var cause: String?
            for index in 0..<6 {
                var event = bench.event("\(index)")
                event.cause = cause
                let sequence = try await engine.accept([event])[0].sequence
                await engine.idle()
                cause = InvocationID(event: sequence, place: 0).text
            }
        }
        #expect(bench.handler.performed.map(\.event) == [1, 2, 3, 4])
        let events = try await bench.store.events(EventFilter())
        #expect(events.map(\.state) == [.failed, .failed, .done, .done, .done, .done])
        #expect(events.first?.note == "it is the effect of more than 3 rules in a row")
    }

    @Test func `pruning deletes what is older than it is kept, in as many commits as it takes`() async throws {
        let bench = try EngineBench()
        let events = (0..<1200).map { bench.event("\($0)", queue: "\($0)") }
        try await bench.run { engine in
            _ = try await engine.accept(events)
            await engine.idle()
            bench.clock.advance(by: .seconds(31 * 24 * 3600))
            #expect(try await engine.prune() == 1200)
            bench.clock.advance(by: .seconds(60 * 24 * 3600))
            #expect(try await engine.prune() == 1200)
        }
        #expect(try await bench.store.events(EventFilter()).isEmpty)
    }

    @Test func `an event that matches nothing is done, with its refusals`() async throws {
        let bench = try EngineBench()
        bench.handler.matching = { _ in Matching(refusals: [Refusal(rule: "r", reason: "channel is sms")]) }
        try await bench.process(bench.event("a"))
        #expect(try await bench.store.event(1)?.state == .done)
        let refusals = try await bench.store.refusals(of: 1)
        expectNoDifference(refusals, [Refusal(rule: "r", reason: "channel is sms")])
    }

    @Test func `shutdown lets what is in the air end and starts nothing more`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("first"), .once("second")]))
        let (inAir, enter) = AsyncStream.makeStream(of: Void.self)
        let gate = Meeting(of: 2)
        bench.handler.performing = { _, _ in
            enter.yield()
            await gate.arrive()
            return Data("1".utf8)
        }
        let engine = bench.makeEngine()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            for await _ in inAir.prefix(1) {}
            engine.shutdown()
            await gate.arrive()
            try await group.waitForAll()
        }
        #expect(!bench.handler.performedNames.contains("second"))
        let states = try await bench.journal().map(\.state)
        #expect(states.allSatisfy { $0 == .succeeded })
    }

    @Test func `a cursor is kept until it is removed`() async throws {
        let engine = try EngineBench().makeEngine()
        #expect(try await engine.cursor("poll") == nil)
        try await engine.setCursor("poll", to: "2025")
        try await engine.setCursor("poll", to: "2026")
        #expect(try await engine.cursor("poll") == "2026")
        try await engine.setCursor("poll", to: nil)
        #expect(try await engine.cursor("poll") == nil)
    }

    @Test func `an engine whose store was taken over stops and says so`() async throws {
        let bench = try EngineBench()
        let engine = bench.makeEngine()
        _ = try await engine.accept([bench.event("a")])
        _ = try await bench.store.takeOver()
        let error = await #expect(throws: EngineError.self) { try await engine.run() }
        #expect(error?.code == .superseded)
        await #expect(throws: EngineError.self) { try await engine.accept([bench.event("b")]) }
    }
}

/// Holds tasks until a number of them have come; then the next ones are held.
actor Meeting {
    private let count: Int
    private var missing: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(of count: Int) {
        self.count = count
        missing = count
    }

    func arrive() async {
        missing -= 1
        guard missing > 0 else {
            for one in waiting { one.resume() }
            waiting = []
            missing = count
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }
}
