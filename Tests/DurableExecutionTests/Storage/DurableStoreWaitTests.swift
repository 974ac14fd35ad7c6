import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The contract of ``DurableStore`` as to waits, run against every implementation.
@Suite(.timeLimit(.minutes(1))) struct DurableStoreWaitTests {
    typealias Subject = DurableStoreTests.Subject
    static let time = DurableStoreTests.time

    func event(_ identity: String, queue: String = "q", at delay: TimeInterval = 0) -> NewEvent {
        NewEvent(
            identities: [identity], queue: queue, kind: "message", source: "webhook", payload: Data("{}".utf8),
            occurredAt: Self.time + delay)
    }

    func id(_ event: Int64) -> String { InvocationID(event: event, place: 0).text }

    /// An invocation of `event` that waits on `queue`.
    func waits(
        _ event: Int64, rule: String = "rule", queue: String = "q", until deadline: TimeInterval? = nil
    ) -> [Change] {
        let invocation = Invocation(
            id: id(event), event: event, queue: "q", rule: rule, version: "1", state: .waiting, attempt: 1,
            createdAt: Self.time, updatedAt: Self.time)
        let entry = JournalEntry(
            invocation: id(event), position: 0, name: "wait", input: Data("{}".utf8), effect: "wait", state: .waiting,
            attempts: 1, intendedAt: Self.time)
        let waiting = Waiting(
            invocation: id(event), rule: rule, trigger: event, position: 0, name: "wait", input: Data("{}".utf8),
            queue: queue, since: event, deadline: deadline.map { Self.time + $0 }, exclusive: false)
        return [.invocation(invocation), .entry(entry), .wait(waiting)]
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `waits are counted by queue and rule, besides one's own, up to a limit`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        for event in 1...5 {
            try await subject.store.write(
                waits(Int64(event), rule: event == 5 ? "other" : "rule", queue: event == 4 ? "p" : "q"),
                epoch: subject.epoch)
        }
        func count(_ queue: String, _ rule: String, besides event: Int64, _ limit: Int) async throws -> Int {
            try await subject.store.countWaits(on: queue, rule: rule, besides: id(event), limit: limit)
        }
        try await expectSame(count("q", "rule", besides: 9, 10), 3)
        try await expectSame(count("q", "rule", besides: 2, 10), 2)
        try await expectSame(count("q", "rule", besides: 9, 2), 2)
        try await expectSame(count("q", "other", besides: 9, 10), 1)
        try await expectSame(count("nowhere", "rule", besides: 9, 10), 0)
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `what had its turn is read page by page, and the first that had none is known`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        for index in 1...6 {
            let late = event("\(index)", queue: index == 3 ? "p" : "q", at: index == 6 ? -20 : -10)
            _ = try await subject.accept(late)
        }
        for sequence in [1, 2, 3, 4] as [Int64] {
            try await subject.write(.event(sequence: sequence, state: .done, note: nil, at: Self.time))
        }
        func page(_ last: Int64, _ limit: Int) async throws -> [Int64] {
            try await subject.store.passedEvents(after: last, queue: "q", limit: limit).map(\.sequence)
        }
        try await expectSame(page(0, 2), [1, 2])
        try await expectSame(page(2, 2), [4])
        try await expectSame(subject.store.earliestPending(in: "q"), (Self.time - 20).storable)
        try await expectSame(subject.store.earliestPending(in: "p"), nil)
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `who waits can be made due, and who does not is left alone`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        try await subject.store.write(waits(1), epoch: subject.epoch)
        try await subject.write(.due(invocation: id(1), at: Self.time), .due(invocation: id(7), at: Self.time))
        let due = try await subject.store.takeDue(at: Self.time, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.id), [id(1)])
        try await subject.write(.due(invocation: id(1), at: Self.time))
        let again = try await subject.store.takeDue(at: Self.time, limit: 9, epoch: subject.epoch)
        expectNoDifference(again.taken, [])
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `a wait that is held is let go by its key, unless an answer came before`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"), event("c"))
        for event in [Int64(1), 2] {
            var changes = waits(event)
            guard case .invocation(var invocation) = changes[0] else { return }
            invocation.holdKey = "overdue"
            changes[0] = .invocation(invocation)
            try await subject.store.write(changes, epoch: subject.epoch)
        }
        try await expectSame(subject.store.endlessHolds(), ["overdue"])
        let newest = try #require(try await subject.store.waits(on: "q").waits.first)
        try await subject.write(.deliver(event: 3, to: newest, outcome: Data("3".utf8), at: Self.time))
        try await expectSame(
            subject.store.release("overdue", at: Self.time, limit: 9, epoch: subject.epoch), 1)
        try await expectSame(subject.store.invocation(id(2))?.state, .running)
        let due = try await subject.store.takeDue(at: Self.time, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.id), [id(1)])
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `a delivery belongs to its event until that is over`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        try await subject.store.write(
            waits(1) + [.event(sequence: 1, state: .done, note: nil, at: Self.time)], epoch: subject.epoch)
        let wait = try #require(try await subject.store.waits(on: "q").waits.first)
        try await subject.write(
            .deliver(event: 2, to: wait, outcome: Data("2".utf8), at: Self.time),
            .matched(event: 2, payload: nil, starts: [], refusals: [], at: Self.time))
        try await expectSame(subject.store.deliveries(of: 2).map(\.id), [id(1)])
        try await subject.store.recover(at: Self.time, epoch: subject.epoch)
        try await expectSame(subject.store.invocation(id(1))?.state, .running)
        try await subject.write(.event(sequence: 2, state: .done, note: nil, at: Self.time))
        try await expectSame(subject.store.deliveries(of: 2), [])
        try await subject.store.recover(at: Self.time, epoch: subject.epoch)
        try await expectSame(subject.store.invocation(id(1))?.state, .retrying)
    }
}
