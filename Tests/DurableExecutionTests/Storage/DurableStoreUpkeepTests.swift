import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The contract of ``DurableStore``, third part: what upkeep deletes and leaves; against every implementation.
@Suite(.timeLimit(.minutes(1))) struct DurableStoreUpkeepTests {
    typealias Implementation = DurableStoreTests.Implementation
    typealias Subject = DurableStoreTests.Subject

    let time = DurableStoreTests.time.storable

    func event(_ identity: String, queue: String = "q") -> NewEvent {
        NewEvent(
            identities: [identity], queue: queue, kind: "message", source: "webhook", payload: Data("{}".utf8),
            occurredAt: time)
    }

    func invocation(
        _ event: Int64, _ state: InvocationState, queue: String = "q", from start: TimeInterval = 0,
        to end: TimeInterval = 0
    ) -> Invocation {
        Invocation(
            id: InvocationID(event: event, place: 0).text, event: event, queue: queue, rule: "rule", version: "1",
            state: state, attempt: 1, createdAt: time + start, updatedAt: time + end)
    }

    func prune(_ subject: Subject, limit: Int = 10, size: Int? = nil) async throws -> Int {
        let pruning = Pruning(
            events: time + 1000, identities: .distantPast, values: .distantPast, limit: limit, size: size)
        return try await subject.store.prune(pruning, epoch: subject.epoch)
    }

    func left(_ subject: Subject) async throws -> [Int64] {
        try await subject.store.events(EventFilter()).map(\.sequence).reversed()
    }

    /// Accepts closed events of the given queues, each with an invocation in the state given for it.
    func subject(_ implementation: Implementation, _ events: [(String, Invocation?)]) async throws -> Subject {
        let subject = try await Subject(implementation)
        for (index, (queue, invocation)) in events.enumerated() {
            let sequence = Int64(index) + 1
            _ = try await subject.accept(event("\(index)", queue: queue))
            try await subject.write(
                .matched(
                    event: sequence, payload: nil, starts: [invocation].compactMap(\.self), refusals: [], at: time),
                .event(sequence: sequence, state: .done, note: nil, at: time))
        }
        return subject
    }

    @Test(arguments: Implementation.allCases)
    func `what came in its queue since an unfinished invocation began stays, for it may still wait for that`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await subject(
            implementation, [("q", nil), ("q", invocation(2, .retrying)), ("q", nil), ("other", nil), ("q", nil)])
        try await expectSame(prune(subject), 2)
        try await expectSame(left(subject), [2, 3, 5])
        try await subject.write(.invocation(invocation(2, .finished)))
        try await expectSame(prune(subject), 3)
        try await expectSame(left(subject), [])
    }

    @Test(arguments: Implementation.allCases)
    func `what came where an unfinished invocation sent something stays too`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await subject(
            implementation, [("there", nil), ("q", invocation(2, .retrying)), ("there", nil), ("elsewhere", nil)])
        try await subject.write(
            .entry(
                JournalEntry(
                    invocation: InvocationID(event: 2, place: 0).text, position: 0, name: "send", input: Data(),
                    effect: "once", intendedAt: time, inboxQueue: "there")))
        try await expectSame(prune(subject), 2)
        try await expectSame(left(subject), [2, 3])
        try await subject.write(.invocation(invocation(2, .failed)))
        try await expectSame(prune(subject), 2)
    }

    @Test(arguments: Implementation.allCases)
    func `what ran in its queue during the life of an unfinished invocation stays, for it may have to tell it apart`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await subject(
            implementation,
            [
                ("q", invocation(1, .finished, to: 100)), ("q", invocation(2, .finished, to: 500)),
                ("q", invocation(3, .parked, from: 400, to: 400)),
            ])
        try await expectSame(prune(subject), 1)
        try await expectSame(left(subject), [2, 3])
    }

    @Test(arguments: Implementation.allCases)
    func `everything that is too old goes, however much stays between it`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await subject(
            implementation, (1...30).map { ("q\($0)", $0 % 3 == 0 ? nil : invocation($0, .waiting, queue: "q\($0)")) })
        try await expectSame(prune(subject, limit: 2), 10)
        try await expectSame(left(subject), (1...30).filter { $0 % 3 != 0 })
    }

    @Test(arguments: Implementation.allCases)
    func `a journal of any length goes with its event`(_ implementation: Implementation) async throws {
        let subject = try await subject(implementation, [("q", invocation(1, .finished))])
        let id = InvocationID(event: 1, place: 0).text
        let entries = (0..<500).map { position in
            Change.entry(
                JournalEntry(
                    invocation: id, position: position, name: "tag", input: Data("{}".utf8), effect: "repeatable",
                    intendedAt: time))
        }
        let lines = (0..<500).map { LogLine(level: "info", message: "\($0)") }
        try await subject.store.write(
            entries + [.logs(invocation: id, position: 0, lines: lines, at: time)], epoch: subject.epoch)
        try await expectSame(prune(subject), 1)
        try await expectSame(subject.store.journal(of: id), [])
        try await expectSame(subject.store.logs(of: id), [])
    }

    @Test(arguments: Implementation.allCases)
    func `identities that were announced are counted as they go`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        try await subject.write(
            .produced(identities: ["a", "b", "c"], by: InvocationID(event: 1, place: 0).text, at: time))
        let pruning = Pruning(events: time, identities: time + 1, values: time, limit: 2)
        try await expectSame(subject.store.prune(pruning, epoch: subject.epoch), 3)
        try await expectSame(subject.store.prune(pruning, epoch: subject.epoch), 0)
    }

    @Test(arguments: Implementation.allCases)
    func `what is forgotten leaves events that run, if told so, and those that came later`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await subject(
            implementation, [("q", invocation(1, .running)), ("q", invocation(2, .waiting)), ("q", nil)])
        var forgetting = Forgetting(
            queues: ["q"], scopes: [], at: time, limit: 9, through: 2, sparesRunning: true)
        try await expectSame(
            subject.store.forget(forgetting, epoch: subject.epoch), Forgotten(events: 1, invocations: 1, running: 1))
        try await expectSame(subject.store.forget(forgetting, epoch: subject.epoch), Forgotten(running: 1))
        try await expectSame(
            subject.store.events(EventFilter()).map(\.state), [.done, .forgotten, .done])
        forgetting.sparesRunning = false
        try await expectSame(
            subject.store.forget(forgetting, epoch: subject.epoch), Forgotten(events: 1, invocations: 1))
        try await expectSame(subject.store.invocation(InvocationID(event: 1, place: 0).text)?.state, .cancelled)
    }

    @Test(arguments: Implementation.allCases)
    func `of a forgotten event the identity is known, and can't be read`(_ implementation: Implementation) async throws
    {
        let subject = try await subject(implementation, [("q", nil)])
        _ = try await subject.store.forget(
            Forgetting(queues: ["q"], scopes: [], at: time, limit: 9), epoch: subject.epoch)
        try await expectSame(subject.store.event(1)?.identity, "")
        try await expectSame(subject.store.event(identity: "0"), 1)
        try await expectSame(subject.accept(event("0")), [.duplicate(of: 1)])
        let error = await #expect(throws: EngineError.self) {
            try await subject.write(.expect(.remembered(event: 1)))
        }
        #expect(error?.code == .conflict)
        try await subject.write(.expect(.remembered(event: 2)))
        #expect(try await subject.store.scrub(isThorough: true, epoch: subject.epoch).isEmpty)
    }

    @Test(arguments: Implementation.allCases)
    func `queues are found by the keys of their events, as long as they have any`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        for (name, queue, key) in [("a", "q", "ada"), ("b", "q", "ada"), ("c", "r", "ada"), ("d", "r", "bob")] {
            var event = event(name, queue: queue)
            event.keys = [key]
            _ = try await subject.accept(event)
        }
        try await expectSame(subject.store.queues(of: "ada"), ["q", "r"])
        try await expectSame(subject.store.queues(of: "bob"), ["r"])
        try await expectSame(subject.store.queues(of: "eve"), [])
        try await expectSame(subject.store.lastWithoutKeys(), 0)
        for sequence in Int64(1)...3 {
            try await subject.write(.event(sequence: sequence, state: .done, note: nil, at: time))
        }
        try await expectSame(prune(subject), 3)
        try await expectSame(subject.store.queues(of: "ada"), ["r"])
    }
}
