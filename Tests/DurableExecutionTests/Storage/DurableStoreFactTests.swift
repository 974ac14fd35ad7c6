import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The contract of ``DurableStore``, third part: facts, places in the inbox and commands that lapse; against every
/// implementation.
@Suite(.timeLimit(.minutes(1))) struct DurableStoreFactTests {
    typealias Implementation = DurableStoreTests.Implementation
    typealias Subject = DurableStoreTests.Subject

    let time = DurableStoreTests.time.storable
    let id = InvocationID(event: 1, place: 0).text

    private func fact(_ value: String, after seconds: TimeInterval = 0, key: String = "k", scope: String = "s") -> Fact
    {
        Fact(scope: scope, key: key, value: Data("\"\(value)\"".utf8), at: time + seconds)
    }

    private func event(_ identity: String, queue: String = "q", _ facts: Fact...) -> NewEvent {
        NewEvent(
            identities: [identity], queue: queue, kind: "message", source: "webhook", payload: Data("{}".utf8),
            occurredAt: time, facts: facts)
    }

    // MARK: Facts

    @Test(arguments: Implementation.allCases)
    func `facts are kept with their event, by scope and key`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(
            event("a", fact("1", key: "b"), fact("2", key: "a")), event("b", fact("3", scope: "other")))
        try await expectSame(subject.store.facts(scope: "s"), [fact("2", key: "a"), fact("1", key: "b")])
        try await expectSame(subject.store.facts(scope: "other"), [fact("3", scope: "other")])
        try await expectSame(subject.store.facts(scope: "none"), [])
    }

    @Test(arguments: Implementation.allCases)
    func `the later fact stays, whichever comes first, and of equals the one that comes last`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a", fact("later", after: 5)))
        _ = try await subject.accept(event("b", fact("earlier")))
        try await expectSame(subject.store.facts(scope: "s"), [fact("later", after: 5)])
        try await subject.write(.fact(fact("equal", after: 5)))
        try await subject.write(.fact(fact("earlier", after: 4.999_999)))
        try await expectSame(subject.store.facts(scope: "s"), [fact("equal", after: 5)])
    }

    @Test(arguments: Implementation.allCases)
    func `a duplicate's facts are kept, and those of a batch that was not kept are not`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        _ = try await subject.accept(event("a", fact("told by another")))
        try await expectSame(subject.store.facts(scope: "s"), [fact("told by another")])
        let nobody = NewEvent(
            identities: [], queue: "q", kind: "message", source: "webhook", payload: Data("{}".utf8), occurredAt: time,
            facts: [fact("late", after: 9)])
        await #expect(throws: EngineError.self) {
            try await subject.store.accept([nobody], at: time, epoch: subject.epoch)
        }
        try await expectSame(subject.store.facts(scope: "s"), [fact("told by another")])
    }

    // MARK: Places

    private func send(
        _ state: EntryState, position: Int = 0, queue: String? = "q", effect: Effect = .once
    ) -> JournalEntry {
        JournalEntry(
            invocation: id, position: position, name: "send", input: Data("{}".utf8), effect: effect.name, state: state,
            intendedAt: time, inboxQueue: queue)
    }

    private var invocation: Invocation {
        Invocation(
            id: id, event: 1, queue: "q", rule: "rule", version: "1", state: .held, createdAt: time, updatedAt: time,
            holdKey: "k")
    }

    @Test(arguments: Implementation.allCases, [EntryState.intended, .held, .retrying])
    func `what is answered takes its place as it is first written down, and keeps it`(
        _ implementation: Implementation, _ first: EntryState
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        try await subject.write(.entry(send(first)))
        _ = try await subject.accept(event("c"))
        for state in [EntryState.held, .intended, .retrying, .intended, .succeeded] {
            try await subject.write(.entry(send(state)))
        }
        try await expectSame(subject.store.inboxPlace(of: invocation, in: "q"), 2)
        try await expectSame(subject.store.journal(of: id).map(\.inboxPlace), [2])
    }

    @Test(arguments: Implementation.allCases)
    func `held without a queue it takes its place only as it is intended`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        try await subject.write(.entry(send(.held, queue: nil)))
        _ = try await subject.accept(event("b"))
        try await expectSame(subject.store.inboxPlace(of: invocation, in: "q"), 1)
        try await subject.write(.entry(send(.intended)))
        try await subject.write(.entry(send(.succeeded, queue: nil)))
        try await expectSame(subject.store.inboxPlace(of: invocation, in: "q"), 2)
    }

    @Test(arguments: Implementation.allCases)
    func `that nothing came is expected of one queue and from one place on`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b", queue: "w"))
        try await subject.write(.expect(.noEvents(queue: "q", after: 1)), .expect(.noEvents(queue: "none", after: 0)))
        let error = await #expect(throws: EngineError.self) {
            try await subject.write(.expect(.noEvents(queue: "w", after: 1)))
        }
        expectNoDifference(error?.code, .conflict)
    }

    // MARK: Lapsing

    private var waiting: Waiting {
        Waiting(
            invocation: id, rule: "rule", trigger: 1, position: 0, name: "send", input: Data("{}".utf8), queue: "q",
            since: 1, deadline: nil, exclusive: false)
    }

    @Test(arguments: Implementation.allCases)
    func `a held command is offered what comes, and ends with it where it stands`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        try await subject.write(.entry(send(.held, queue: nil)), .invocation(invocation), .wait(waiting))
        let found = try #require(try await subject.store.waits(on: "q").waits.first)
        expectNoDifference([found.position, Int(found.since)], [0, 1])
        try await subject.write(.deliver(event: 2, to: found, outcome: Data("null".utf8), at: time))
        let now = try await subject.store.invocation(id)
        expectNoDifference([now?.state == .running, now?.holdKey == nil], [true, true])
        try await expectSame(subject.store.journal(of: id).map(\.state), [.succeeded])
        try await expectSame(subject.store.inboxPlace(of: invocation, in: "q"), 1)
        try await expectSame(subject.store.waits(on: "q").waits, [])
    }

    @Test(arguments: Implementation.allCases)
    func `once it was let go, or is held elsewhere, nothing is offered or delivered`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        try await subject.write(.entry(send(.held, queue: nil)), .invocation(invocation), .wait(waiting))
        let found = try #require(try await subject.store.waits(on: "q").waits.first)
        try await expectSame(subject.store.release("k", at: time, limit: 1, epoch: subject.epoch), 1)
        try await expectSame(subject.store.waits(on: "q").waits, [])
        try await subject.write(.entry(send(.succeeded)), .entry(send(.held, position: 1)), .invocation(invocation))
        try await expectSame(subject.store.waits(on: "q").waits, [])
        let error = await #expect(throws: EngineError.self) {
            try await subject.write(.deliver(event: 2, to: found, outcome: Data("null".utf8), at: time))
        }
        expectNoDifference(error?.code, .conflict)
    }
}
