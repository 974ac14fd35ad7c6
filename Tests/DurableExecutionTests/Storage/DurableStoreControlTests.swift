import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The contract of ``DurableStore``, second part: holds, pauses, causes, crashes, forgetting; against every implementation.
@Suite(.timeLimit(.minutes(1))) struct DurableStoreControlTests {
    typealias Implementation = DurableStoreTests.Implementation
    typealias Subject = DurableStoreTests.Subject

    let time = DurableStoreTests.time.storable

    func event(_ identities: String..., queue: String = "q", cause: String? = nil) -> NewEvent {
        NewEvent(
            identities: identities, queue: queue, kind: "message", source: "webhook", payload: Data("{}".utf8),
            occurredAt: time, cause: cause)
    }

    func invocation(
        _ event: Int64, _ state: InvocationState, rule: String = "rule", queue: String = "q", heldBy key: String? = nil
    ) -> Invocation {
        Invocation(
            id: InvocationID(event: event, place: 0).text, event: event, queue: queue, rule: rule, version: "1",
            state: state, attempt: 1, createdAt: time, updatedAt: time, holdKey: key)
    }

    func id(_ event: Int64) -> String { InvocationID(event: event, place: 0).text }

    @Test(arguments: Implementation.allCases)
    func `what is held by a key is released oldest first, as far as asked`(_ implementation: Implementation)
        async throws
    {
        let subject = try await Subject(implementation)
        for number in 1...4 {
            try await subject.write(
                .invocation(invocation(Int64(number), .held, heldBy: number == 4 ? "other" : "k")))
        }
        try await expectSame(subject.store.endlessHolds(), ["k", "other"])
        try await expectSame(subject.store.release("k", at: time, limit: 2, epoch: subject.epoch), 2)
        let due = try await subject.store.takeDue(at: time, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.id), [id(1), id(2)])
        #expect(due.taken.allSatisfy { $0.holdKey == nil })
        try await expectSame(subject.store.release("k", at: time, limit: 2, epoch: subject.epoch), 1)
        try await expectSame(subject.store.release("k", at: time, limit: 2, epoch: subject.epoch), 0)
        try await expectSame(subject.store.invocation(id(4))?.holdKey, "other")
    }

    @Test(arguments: Implementation.allCases)
    func `a wait that is released stays one until it has its turn`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        var waiting = invocation(1, .waiting, heldBy: "k")
        waiting.reason = "waits for a reply"
        try await subject.write(.invocation(waiting))
        try await expectSame(subject.store.release("k", at: time, limit: 2, epoch: subject.epoch), 1)
        let released = try #require(try await subject.store.invocation(id(1)))
        expectNoDifference(released.state, .waiting)
        expectNoDifference(released.reason, "waits for a reply")
        let due = try await subject.store.takeDue(at: time, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.id), [id(1)])
    }

    @Test(arguments: Implementation.allCases)
    func `retries are brought forward when the clock was set back, and nothing else is`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let states: [InvocationState] = [.retrying, .retrying, .waiting, .held, .queued]
        for (index, state) in states.enumerated() {
            var one = invocation(Int64(index + 1), state)
            one.nextAttemptAt = time + (index == 1 ? 5 : 3600)
            try await subject.write(.invocation(one))
        }
        try await subject.write(.hastenRetries(by: .seconds(3590), after: time))
        var times: [TimeInterval?] = []
        for number in 1...5 {
            let next = try await subject.store.invocation(id(Int64(number)))?.nextAttemptAt
            times.append(next?.timeIntervalSince(time))
        }
        expectNoDifference(times, [10, 0, 3600, 3600, 3600])
    }

    @Test(arguments: Implementation.allCases)
    func `a hold with a time ends by itself`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        var held = invocation(1, .held, heldBy: "k")
        held.nextAttemptAt = time + 5
        try await subject.write(.invocation(held))
        try await expectSame(subject.store.endlessHolds(), [])
        let due = try await subject.store.takeDue(at: time + 5, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.holdKey), [nil])
        try await expectSame(subject.store.release("k", at: time, limit: 2, epoch: subject.epoch), 0)
    }

    @Test(arguments: Implementation.allCases)
    func `how long an entry was held is kept`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        var entry = JournalEntry(
            invocation: id(1), position: 0, name: "send", input: Data("{}".utf8), effect: "once", state: .held,
            intendedAt: time, heldAt: time + 1, heldFor: .milliseconds(1500))
        try await subject.write(.entry(entry))
        try await expectSame(subject.store.journal(of: id(1)), [entry])
        entry.heldAt = nil
        entry.heldFor = .seconds(3)
        try await subject.write(.entry(entry))
        try await expectSame(subject.store.journal(of: id(1)), [entry])
    }

    @Test(arguments: Implementation.allCases)
    func `when a command was asked for is kept as it was written first`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        var entry = JournalEntry(
            invocation: id(1), position: 0, name: "tag", input: Data("{}".utf8), effect: "repeatable", state: .retrying,
            intendedAt: time, asked: 7)
        try await subject.write(.entry(entry))
        try await expectSame(subject.store.journal(of: id(1)).map(\.asked), [7])
        entry.state = .intended
        try await subject.write(.entry(entry))
        try await expectSame(subject.store.journal(of: id(1)), [entry])
    }

    @Test(arguments: Implementation.allCases)
    func `pauses are kept, replaced and ended`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        let pauses = ["b", "a"].map { Pause(subject: $0, reason: "r", at: time) }
        try await subject.write(.pause(pauses[0]), .pause(pauses[1]))
        try await expectSame(subject.store.pauses(), pauses.reversed())
        try await subject.write(
            .pause(Pause(subject: "a", reason: "new", at: time + 1)), .resume(subject: "b"), .resume(subject: "x"))
        try await expectSame(subject.store.pauses(), [Pause(subject: "a", reason: "new", at: time + 1)])
    }

    @Test(arguments: Implementation.allCases)
    func `an event has as cause who produces it, whichever is kept first`(_ implementation: Implementation) async throws
    {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("before"), event("over"), event("claims"), event("named", cause: id(9)))
        try await subject.write(
            .event(sequence: 2, state: .done, note: nil, at: time),
            .produced(identities: ["before", "over", "claimed", "after", "named"], by: id(1), at: time),
            .produced(identities: ["after"], by: id(2), at: time))
        #expect(try await subject.store.claim("claimed", for: 3, at: time, epoch: subject.epoch) == .claimed)
        _ = try await subject.accept(event("x", "after"))
        try await expectSame(
            subject.store.events(EventFilter()).map(\.cause), [id(1), id(9), id(1), nil, id(1)])
    }

    @Test(arguments: Implementation.allCases)
    func `an event that is open and caused so is what is expected`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b", cause: id(9)))
        try await subject.write(
            .expect(.openEvent(sequence: 1, cause: nil)), .expect(.openEvent(sequence: 2, cause: id(9))))
        try await subject.write(.event(sequence: 2, state: .done, note: nil, at: time))
        for expectation in [
            Expectation.openEvent(sequence: 1, cause: id(9)), .openEvent(sequence: 2, cause: id(9)),
            .openEvent(sequence: 3, cause: nil),
        ] {
            let error = await #expect(throws: EngineError.self) { try await subject.write(.expect(expectation)) }
            #expect(error?.code == .conflict)
        }
    }

    @Test(arguments: Implementation.allCases)
    func `a match of an event that is over is refused`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        try await subject.write(.event(sequence: 1, state: .expired, note: nil, at: time))
        let error = await #expect(throws: EngineError.self) {
            try await subject.write(.matched(event: 1, payload: nil, starts: [], refusals: [], at: time))
        }
        #expect(error?.code == .conflict)
    }

    @Test(arguments: Implementation.allCases)
    func `a value can be set without a journal, and what can't be done is refused`(_ implementation: Implementation)
        async throws
    {
        let subject = try await Subject(implementation)
        try await subject.write(.store(.set(scope: "s", key: "k", value: Data("\"x\"".utf8)), at: time))
        try await expectSame(subject.store.value(scope: "s", key: "k", at: time), Data("\"x\"".utf8))
        let error = await #expect(throws: EngineError.self) {
            try await subject.write(.store(.increment(scope: "s", key: "k", by: .integer(1)), at: time))
        }
        #expect(error?.code == .badInput)
    }

    @Test(arguments: Implementation.allCases)
    func `a request to cancel outlives later writes, and recovery carries it out`(_ implementation: Implementation)
        async throws
    {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        try await subject.write(
            .event(sequence: 1, state: .done, note: nil, at: time),
            .event(sequence: 2, state: .done, note: nil, at: time),
            .invocation(invocation(1, .running)), .invocation(invocation(2, .running)),
            .requestCancel(invocation: id(1), reason: "enough"), .requestCancel(invocation: id(2), reason: "enough"),
            .requestCancel(invocation: id(2), reason: nil),
            .invocation(invocation(1, .waiting)), .invocation(invocation(2, .waiting)))
        try await expectSame(subject.store.invocation(id(1))?.cancelRequest, "enough")
        try await subject.store.recover(at: time, epoch: subject.epoch)
        let states = [try await subject.store.invocation(id(1)), try await subject.store.invocation(id(2))]
        expectNoDifference(states.map(\.?.state), [.cancelled, .waiting])
        expectNoDifference(states.map(\.?.reason), ["enough", nil])
    }

    @Test(arguments: Implementation.allCases)
    func `what ends processes is counted, then quarantined with its rule`(_ implementation: Implementation) async throws
    {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"), event("c"))
        for sequence in [Int64(1), 2] {
            try await subject.write(
                .matched(
                    event: sequence, payload: nil, starts: [invocation(sequence, .running)], refusals: [], at: time))
        }
        let notes = [CrashNote(invocation(1, .running)), CrashNote(event: 2), CrashNote(event: 1)]
        func note(_ notes: [CrashNote]) async throws -> [Quarantined] {
            try await subject.store.noteCrashes(
                notes, limit: 2, at: time, epoch: subject.epoch, pausing: { "the rule \($0)" })
        }
        try await expectSame(note(notes), [])
        try await expectSame(subject.store.suspects(), [1, 2])
        try await subject.write(.survived(event: 2))
        try await expectSame(subject.store.suspects(), [1])
        try await expectSame(note(notes), [Quarantined(event: 1, crashes: 2, rules: ["rule"])])
        let states = try await subject.store.events(EventFilter()).map(\.state)
        expectNoDifference(states, [.pending, .running, .quarantined])
        let parked = try await subject.store.invocation(id(1))
        #expect(parked?.state == .parked && parked?.reason?.hasPrefix("quarantined: ") == true)
        try await expectSame(subject.store.pauses().map(\.subject), ["the rule rule"])
        try await subject.write(.reopen(event: 1, at: time))
        try await expectSame(subject.store.event(1)?.state, .running)
        try await expectSame(subject.store.invocation(id(1))?.state, .running)
        try await expectSame(subject.store.suspects(), [2])
        let error = await #expect(throws: EngineError.self) { try await subject.write(.reopen(event: 1, at: time)) }
        #expect(error?.code == .conflict)
    }

    @Test(arguments: Implementation.allCases)
    func `pending events change places with all that is theirs`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        func event(_ identities: String..., at seconds: TimeInterval, cause: String? = nil) -> NewEvent {
            NewEvent(
                identities: identities, queue: "q", kind: identities[0] + "-kind", source: identities[0] + "-source",
                payload: Data(identities[0].utf8), occurredAt: time + seconds, cause: cause)
        }
        _ = try await subject.accept(
            event("begun", at: 100), event("late", "late-too", at: 50, cause: "inv_0"), event("crashed", at: 40),
            event("early", at: 20), event("middle", at: 30), event("elsewhere", at: 0))
        try await subject.write(.matched(event: 1, payload: nil, starts: [], refusals: [], at: time))
        _ = try await subject.store.claim("early-claim", for: 4, at: time, epoch: subject.epoch)
        _ = try await subject.store.noteCrashes(
            [CrashNote(event: 3)], limit: 9, at: time, epoch: subject.epoch, pausing: { _ in nil })
        let former = try await subject.store.event(2)
        let arranged = try await subject.store.arrange([4, 2, 1, 5, 3], epoch: subject.epoch)
        expectNoDifference(arranged.map(\.sequence), [1, 2, 3, 4, 5])
        expectNoDifference(arranged.map(\.identity), ["begun", "early", "crashed", "middle", "late"])
        var moved = former
        moved?.sequence = 5
        expectNoDifference(arranged[4], moved)
        for event in arranged { try await expectSame(subject.store.event(event.sequence), event) }
        for (identity, sequence) in [("late-too", 5), ("early-claim", 2), ("middle", 4), ("elsewhere", 6)] {
            try await expectSame(subject.store.event(identity: identity), Int64(sequence))
        }
        try await expectSame(subject.accept(event("late-too", at: 0)), [.duplicate(of: 5)])
        // Again it changes nothing, and what was closed meanwhile is left out.
        try await subject.write(.event(sequence: 4, state: .expired, note: nil, at: time))
        try await expectSame(subject.store.arrange([1, 2, 4, 5], epoch: subject.epoch).map(\.sequence), [1, 2, 5])
    }

    @Test(arguments: Implementation.allCases)
    func `who produced an identity is known before and after its event`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        try await expectSame(subject.store.producer(of: "a"), nil)
        try await subject.write(.produced(identities: ["a"], by: id(1), at: time))
        try await expectSame(subject.store.producer(of: "a"), id(1))
        _ = try await subject.accept(event("a"))
        try await subject.write(.produced(identities: ["a"], by: id(2), at: time))
        try await expectSame(subject.store.producer(of: "a"), id(1))
    }

    @Test(arguments: Implementation.allCases)
    func `a scratch store is empty and counts on`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        let scratch = try subject.store.makeScratch(after: 7)
        let epoch = try await scratch.takeOver()
        try await expectSame(scratch.accept([event("b")], at: time, epoch: epoch), [.accepted(8)])
        try await expectSame(scratch.event(identity: "a"), nil)
        try await expectSame(subject.store.event(identity: "b"), nil)
    }

    @Test(arguments: Implementation.allCases)
    func `what is forgotten leaves facts and identities`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"), event("c", queue: "other"))
        for sequence in [Int64(1), 3] {
            try await subject.write(
                .matched(
                    event: sequence, payload: nil, starts: [invocation(sequence, .parked)],
                    refusals: [Refusal(rule: "r", reason: "no")], at: time),
                .logs(
                    invocation: id(sequence), position: 0, lines: [LogLine(level: "info", message: "x")], at: time))
        }
        for scope in ["s", "t"] {
            try await subject.write(.store(.set(scope: scope, key: "k", value: Data("1".utf8)), at: time))
        }
        func forget(_ limit: Int) async throws -> Forgotten {
            try await subject.store.forget(
                Forgetting(queues: ["q"], scopes: ["s"], at: time, limit: limit), epoch: subject.epoch)
        }
        try await expectSame(forget(1), Forgotten(events: 1, invocations: 1, values: 1))
        try await expectSame(forget(9), Forgotten(events: 1, invocations: 0, values: 0))
        try await expectSame(forget(9), Forgotten())
        let events = try await subject.store.events(EventFilter())
        expectNoDifference(events.map(\.state), [.running, .forgotten, .forgotten])
        expectNoDifference(events.map(\.payload.count), [2, 0, 0])
        try await expectSame(subject.store.invocation(id(1))?.state, .cancelled)
        try await expectSame(subject.store.logs(of: id(1)), [])
        try await expectSame(subject.store.refusals(of: 1), [])
        try await expectSame(subject.store.logs(of: id(3)).count, 1)
        try await expectSame(subject.store.value(scope: "s", key: "k", at: time), nil)
        try await expectSame(subject.store.value(scope: "t", key: "k", at: time), Data("1".utf8))
        try await expectSame(subject.accept(event("a")), [.duplicate(of: 1)])
        try await subject.write(.event(sequence: 1, state: .done, note: "late", at: time))
        try await expectSame(subject.store.event(1)?.state, .forgotten)
    }

    @Test(arguments: Implementation.allCases)
    func `no kind of write gets through under an epoch that is over`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        let store = subject.store
        let old = subject.epoch
        _ = try await subject.accept(event("a"))
        try await subject.write(.invocation(invocation(1, .held, heldBy: "k")))
        _ = try await store.takeOver()
        let before = try await snapshot(store)
        let waiting = Waiting(
            invocation: id(1), rule: "rule", trigger: 1, position: 0, name: "wait", input: Data(), queue: "q", since: 0,
            deadline: nil, exclusive: false)
        let entry = JournalEntry(
            invocation: id(1), position: 0, name: "send", input: Data(), effect: "once", intendedAt: time)
        let changes: [Change] = [
            .event(sequence: 1, state: .done, note: nil, at: time),
            .matched(event: 1, payload: nil, starts: [], refusals: [], at: time), .entry(entry),
            .logs(invocation: id(1), position: 0, lines: [LogLine(level: "info", message: "x")], at: time),
            .invocation(invocation(1, .finished)), .wait(waiting), .endWait(invocation: id(1)),
            .deliver(event: 1, to: waiting, outcome: Data(), at: time),
            .requestCancel(invocation: id(1), reason: "x"), .cancel(invocation: id(1), reason: "x", at: time),
            .clearJournal(invocation: id(1)), .store(.set(scope: "s", key: "k", value: Data("1".utf8)), at: time),
            .pause(Pause(subject: "s", reason: "r", at: time)), .resume(subject: "s"),
            .produced(identities: ["a"], by: id(1), at: time), .survived(event: 1), .reopen(event: 1, at: time),
            .expect(.invocationState(id: id(1), .held)),
        ]
        let pruning = Pruning(events: time + 9, identities: time + 9, values: time + 9, limit: 9)
        let forgetting = Forgetting(queues: ["q"], scopes: [], at: time, limit: 9)
        let writes: [@Sendable () async throws -> Void] =
            changes.map { change in { try await store.write([change], epoch: old) } } + [
                { _ = try await store.accept([event("b")], at: time, epoch: old) },
                { _ = try await store.claim("c", for: 1, at: time, epoch: old) },
                {
                    _ = try await store.perform(
                        .set(scope: "s", key: "k", value: nil), quota: nil, entry: entry, changes: [], at: time,
                        epoch: old)
                },
                { try await store.recover(at: time, epoch: old) },
                { _ = try await store.takeDue(at: time, limit: 1, epoch: old) },
                { _ = try await store.prune(pruning, epoch: old) },
                { _ = try await store.release("k", at: time, limit: 9, epoch: old) },
                { _ = try await store.forget(forgetting, epoch: old) },
                {
                    _ = try await store.noteCrashes(
                        [CrashNote(event: 1)], limit: 1, at: time, epoch: old, pausing: { $0 })
                },
                { _ = try await store.arrange([1], epoch: old) },
                { try await store.setCursor("c", to: "1", epoch: old) },
            ]
        for (index, write) in writes.enumerated() {
            let error = await #expect(throws: EngineError.self, "write \(index)") { try await write() }
            #expect(error?.code == .superseded, "write \(index)")
        }
        try await expectSame(snapshot(store), before)
    }

    private func snapshot(_ store: any DurableStore) async throws -> [String] {
        [
            "\(try await store.events(EventFilter()))", "\(try await store.invocations(InvocationFilter()))",
            "\(try await store.journal(of: id(1)))", "\(try await store.pauses())",
            "\(try await store.event(identity: "b") ?? 0)", "\(try await store.cursor("c") ?? "")",
            "\(try await store.value(scope: "s", key: "k", at: time) ?? Data())",
        ]
    }
}
