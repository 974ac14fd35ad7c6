import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The contract of ``DurableStore``, run against every implementation.
@Suite(.timeLimit(.minutes(1))) struct DurableStoreTests {
    enum Implementation: CaseIterable { case sqliteFile, sqliteMemory, memory }

    /// A store with what it needs to live.
    struct Subject: Sendable {
        let store: any DurableStore
        let epoch: Epoch
        let folder: TemporaryFolder?

        init(_ implementation: Implementation) async throws {
            switch implementation {
            case .sqliteFile:
                let folder = try TemporaryFolder()
                store = try SQLiteStore(path: folder.path("engine.db"), prepare: PlanWatch.watch)
                self.folder = folder
            case .sqliteMemory:
                store = try SQLiteStore.inMemory(lastSequence: 0, prepare: PlanWatch.watch)
                folder = nil
            case .memory:
                store = MemoryStore()
                folder = nil
            }
            epoch = try await store.takeOver()
        }

        func accept(_ events: NewEvent...) async throws -> [Acceptance] {
            try await store.accept(events, at: DurableStoreTests.time, epoch: epoch)
        }

        func write(_ changes: Change...) async throws { try await store.write(changes, epoch: epoch) }

        func perform(
            _ operation: StoreOperation, quota: StoreQuota? = nil, position: Int, after delay: TimeInterval = 0
        ) async throws -> String {
            let entry = JournalEntry(
                invocation: InvocationID(event: 1, place: 0).text, position: position, name: "store",
                input: Data("{}".utf8),
                effect: "store", attempts: 1, intendedAt: DurableStoreTests.time)
            let kept = try await store.perform(
                operation, quota: quota, entry: entry, changes: [], at: DurableStoreTests.time + delay, epoch: epoch)
            return kept.outcome.map { String(decoding: $0, as: UTF8.self) } ?? kept.failure?.code ?? "nothing"
        }
    }

    static let time = Date(timeIntervalSince1970: 1_736_942_400.123456)

    func event(_ identities: String..., queue: String = "q") -> NewEvent {
        NewEvent(
            identities: identities, queue: queue, kind: "message", source: "webhook", payload: Data([0, 255, 1]),
            occurredAt: Self.time, cause: "inv_0")
    }

    func invocation(_ event: Int64, _ place: Int, _ state: InvocationState) -> Invocation {
        Invocation(
            id: InvocationID(event: event, place: place).text, event: event, queue: "q", rule: "rule", version: "1",
            state: state, attempt: 1, createdAt: Self.time, updatedAt: Self.time)
    }

    @Test(arguments: Implementation.allCases)
    func `an accepted event is found as it came`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        try await expectSame(subject.accept(event("a", "b")), [.accepted(1)])
        let found = try await subject.store.event(1)
        expectNoDifference(
            found,
            Event(
                sequence: 1, identity: "a", queue: "q", kind: "message", source: "webhook", payload: Data([0, 255, 1]),
                occurredAt: Self.time, acceptedAt: Self.time, cause: "inv_0"))
        #expect(try await subject.store.event(identity: "b") == 1)
        #expect(try await subject.store.event(2) == nil)
    }

    @Test(arguments: Implementation.allCases)
    func `any known identity makes a duplicate, whose other identities are learnt`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let acceptances = try await subject.accept(event("a"), event("x", "a"), event("x"), event("b"))
        expectNoDifference(acceptances, [.accepted(1), .duplicate(of: 1), .duplicate(of: 1), .accepted(2)])
    }

    @Test(arguments: Implementation.allCases)
    func `an identity has one holder`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        let results = [
            try await subject.store.claim("m", for: 2, at: Self.time, epoch: subject.epoch),
            try await subject.store.claim("m", for: 2, at: Self.time, epoch: subject.epoch),
            try await subject.store.claim("m", for: 1, at: Self.time, epoch: subject.epoch),
            try await subject.store.claim("b", for: 1, at: Self.time, epoch: subject.epoch),
        ]
        expectNoDifference(results, [.claimed, .claimed, .heldBy(2), .heldBy(2)])
    }

    @Test(arguments: Implementation.allCases)
    func `open events come in order, by page and by queue`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        let queues = ["a", "b", "a", "b", "a"]
        for (index, queue) in queues.enumerated() { _ = try await subject.accept(event("\(index)", queue: queue)) }
        try await subject.write(.event(sequence: 2, state: .done, note: nil, at: Self.time))
        func open(_ after: Int64, _ through: Int64, _ queue: String?, _ limit: Int) async throws -> [Int64] {
            try await subject.store.openEvents(after: after, through: through, queue: queue, limit: limit).map(
                \.sequence)
        }
        try await expectSame(open(0, .max, nil, 10), [1, 3, 4, 5])
        try await expectSame(open(1, .max, nil, 2), [3, 4])
        try await expectSame(open(0, .max, "a", 10), [1, 3, 5])
        try await expectSame(open(1, 4, "a", 10), [3])
    }

    @Test(arguments: Implementation.allCases)
    func `a match is kept with its starts and refusals`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        #expect(try await subject.store.starts(of: 1) == nil)
        let starts = [invocation(1, 0, .running), invocation(1, 1, .running)]
        let refusals = [Refusal(rule: "r", reason: "it's \"sms\"")]
        try await subject.write(
            .matched(event: 1, payload: Data("new".utf8), starts: starts, refusals: refusals, at: Self.time))
        try await expectSame(subject.store.starts(of: 1), starts)
        try await expectSame(subject.store.refusals(of: 1), refusals)
        let event = try await subject.store.event(1)
        #expect(event?.state == .running)
        #expect(event?.payload == Data("new".utf8))
    }

    @Test(arguments: Implementation.allCases)
    func `an entry, its failure and log lines are found as written`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        let id = InvocationID(event: 1, place: 0).text
        let entry = JournalEntry(
            invocation: id, position: 0, name: "send", input: Data("{}".utf8), effect: "once", location: "a.lua:1",
            state: .retrying, outcome: nil,
            failure: CommandFailure(
                code: "limited", message: "slow", retryable: true, retryAfter: .milliseconds(1500),
                outcomeUnknown: true,
                details: Data("[1]".utf8)),
            checkpoint: Data("7".utf8), attempts: 2, intendedAt: Self.time, endedAt: nil)
        let line = LogLine(level: "info", message: "hello", fields: Data("{}".utf8), location: "a.lua:2")
        try await subject.write(.entry(entry), .logs(invocation: id, position: 0, lines: [line], at: Self.time))
        try await expectSame(subject.store.journal(of: id), [entry])
        try await expectSame(
            subject.store.logs(of: id), [RecordedLog(position: 0, line: line, at: Self.time)])
        var ended = entry
        ended.state = .succeeded
        ended.outcome = Data("1".utf8)
        ended.failure = nil
        ended.endedAt = Self.time
        try await subject.write(.entry(ended))
        try await expectSame(subject.store.journal(of: id), [ended])
    }

    @Test(arguments: Implementation.allCases)
    func `due invocations are taken once, the longest due first`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        for (place, delay) in [30.0, 10, 20].enumerated() {
            var retrying = invocation(1, place, .retrying)
            retrying.nextAttemptAt = Self.time + delay
            try await subject.write(.invocation(retrying))
        }
        func take(_ delay: TimeInterval, _ limit: Int) async throws -> DueInvocations {
            try await subject.store.takeDue(at: Self.time + delay, limit: limit, epoch: subject.epoch)
        }
        try await expectSame(take(5, 10), DueInvocations(taken: [], next: (Self.time + 10).storable))
        var taken = invocation(1, 1, .running)
        taken.attempt = 2
        taken.updatedAt = (Self.time + 25).storable
        try await expectSame(take(25, 1), DueInvocations(taken: [taken], next: (Self.time + 20).storable))
        try await expectSame(take(25, 9).taken.map(\.id), [InvocationID(event: 1, place: 2).text])
        try await expectSame(take(25, 9), DueInvocations(taken: [], next: (Self.time + 30).storable))
    }

    @Test(arguments: Implementation.allCases)
    func `recovery makes running invocations of closed events due`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("open"), event("closed"))
        try await subject.write(
            .matched(event: 1, payload: nil, starts: [invocation(1, 0, .running)], refusals: [], at: Self.time),
            .matched(
                event: 2, payload: nil, starts: [invocation(2, 0, .running), invocation(2, 1, .finished)], refusals: [],
                at: Self.time),
            .event(sequence: 2, state: .done, note: nil, at: Self.time))
        try await subject.store.recover(at: Self.time, epoch: subject.epoch)
        let due = try await subject.store.takeDue(at: Self.time, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.id), [InvocationID(event: 2, place: 0).text])
    }

    @Test(arguments: Implementation.allCases)
    func `writes given together are kept together or not at all`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        var broken = invocation(1, 0, .running)
        broken.id = "nonsense"
        let changes: [Change] = [.event(sequence: 1, state: .done, note: nil, at: Self.time), .invocation(broken)]
        let error = await #expect(throws: EngineError.self) {
            try await subject.store.write(changes, epoch: subject.epoch)
        }
        #expect(error?.code == .badInput)
        #expect(try await subject.store.event(1)?.state == .pending)
    }

    @Test(arguments: Implementation.allCases)
    func `nothing can be written under an epoch that is over`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        let store = subject.store
        let next = try await store.takeOver()
        #expect(next > subject.epoch)
        let old = subject.epoch
        let writes: [@Sendable () async throws -> Void] = [
            { _ = try await store.accept([event("a")], at: Self.time, epoch: old) },
            { _ = try await store.claim("a", for: 1, at: Self.time, epoch: old) },
            { try await store.write([.event(sequence: 1, state: .done, note: nil, at: Self.time)], epoch: old) },
            { _ = try await subject.perform(.set(scope: "s", key: "k", value: nil), position: 0) },
            { try await store.recover(at: Self.time, epoch: old) },
            { _ = try await store.takeDue(at: Self.time, limit: 1, epoch: old) },
            { try await store.setCursor("c", to: "1", epoch: old) },
        ]
        for write in writes {
            let error = await #expect(throws: EngineError.self) { try await write() }
            #expect(error?.code == .superseded)
        }
        #expect(try await store.events(EventFilter()).isEmpty)
    }

    @Test(arguments: Implementation.allCases)
    func `numbers are incremented exactly, and refused where they can't be`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let add: @Sendable (StoreNumber) -> StoreOperation = { .increment(scope: "s", key: "n", by: $0) }
        try await expectSame(subject.perform(add(.integer(9_007_199_254_740_993)), position: 0), "9007199254740993")
        try await expectSame(subject.perform(add(.integer(.max)), position: 1), "out_of_range")
        try await expectSame(subject.perform(add(.number(0.5)), position: 2), "9007199254740992.0")
        let text = StoreOperation.set(scope: "s", key: "n", value: Data("\"x\"".utf8))
        try await expectSame(subject.perform(text, position: 3), "null")
        try await expectSame(subject.perform(add(.integer(1)), position: 4), "not_a_number")
        let journal = try await subject.store.journal(of: InvocationID(event: 1, place: 0).text)
        expectNoDifference(journal.map(\.state), [.succeeded, .failed, .succeeded, .succeeded, .failed])
    }

    @Test(arguments: Implementation.allCases)
    func `a value ends with its time to live, and a number then starts anew`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.perform(
            .set(scope: "s", key: "n", value: Data("5".utf8), ttl: .seconds(10)), position: 0)
        let add = StoreOperation.increment(scope: "s", key: "n", by: .integer(1))
        try await expectSame(subject.perform(add, position: 1, after: 9), "6")
        try await expectSame(subject.store.value(scope: "s", key: "n", at: Self.time + 10), nil)
        try await expectSame(subject.perform(add, position: 2, after: 10), "1")
        try await expectSame(subject.perform(add, position: 3, after: 100), "2")
    }

    @Test(arguments: Implementation.allCases)
    func `what is old and over is deleted, and its identity outlives it`(_ implementation: Implementation) async throws
    {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("old"), event("live"), event("open"))
        let id = InvocationID(event: 1, place: 0).text
        for (sequence, state) in [(Int64(1), InvocationState.finished), (2, .waiting)] {
            try await subject.write(
                .matched(
                    event: sequence, payload: nil, starts: [invocation(sequence, 0, state)],
                    refusals: [Refusal(rule: "r", reason: "no")], at: Self.time),
                .event(sequence: sequence, state: .done, note: nil, at: Self.time))
        }
        _ = try await subject.perform(
            .set(scope: "s", key: "k", value: Data("1".utf8), ttl: .seconds(5)), position: 0)
        func prune(_ events: TimeInterval, _ identities: TimeInterval) async throws -> Int {
            let pruning = Pruning(
                events: Self.time + events, identities: Self.time + identities, values: Self.time + 10, limit: 10)
            return try await subject.store.prune(pruning, epoch: subject.epoch)
        }
        try await expectSame(prune(-1, -1), 1)
        try await expectSame(prune(1, -1), 1)
        #expect(try await subject.store.event(1) == nil)
        #expect(try await subject.store.invocation(id) == nil)
        #expect(try await subject.store.journal(of: id).isEmpty)
        #expect(try await subject.store.refusals(of: 1).isEmpty)
        try await expectSame(subject.store.events(EventFilter()).map(\.sequence), [3, 2])
        try await expectSame(subject.accept(event("old")), [.duplicate(of: 1)])
        try await expectSame(prune(1, 1), 3)
        try await expectSame(subject.accept(event("old")), [.accepted(4)])
    }

    @Test(arguments: Implementation.allCases)
    func `scopes are apart`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.perform(.set(scope: "a", key: "k", value: Data("1".utf8)), position: 0)
        #expect(try await subject.store.value(scope: "b", key: "k", at: Self.time) == nil)
        #expect(try await subject.store.value(scope: "a", key: "k", at: Self.time) == Data("1".utf8))
    }

    @Test(arguments: Implementation.allCases)
    func `lists are filtered, newest first, page by page`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        for index in 1...4 {
            _ = try await subject.accept(event("\(index)", queue: index == 4 ? "other" : "q"))
            try await subject.write(.invocation(invocation(Int64(index), 0, index == 2 ? .parked : .finished)))
        }
        var events = EventFilter()
        events.queue = "q"
        events.limit = 2
        try await expectSame(subject.store.events(events).map(\.sequence), [3, 2])
        events.before = 2
        try await expectSame(subject.store.events(events).map(\.sequence), [1])
        events.states = [.done]
        try await expectSame(subject.store.events(events), [])
        var invocations = InvocationFilter()
        invocations.states = [.parked, .failed]
        try await expectSame(subject.store.invocations(invocations).map(\.event), [2])
        invocations = InvocationFilter()
        invocations.before = InvocationID(event: 3, place: 0).text
        try await expectSame(subject.store.invocations(invocations).map(\.event), [2, 1])
    }
}
