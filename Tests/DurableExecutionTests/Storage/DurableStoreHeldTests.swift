import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The contract of ``DurableStore``, third part: versions, held events, dry runs; against every implementation.
@Suite(.timeLimit(.minutes(1))) struct DurableStoreHeldTests {
    typealias Implementation = DurableStoreTests.Implementation
    typealias Subject = DurableStoreTests.Subject

    let time = DurableStoreTests.time.storable

    func event(_ identity: String, queue: String = "q", occurredAt: Date? = nil) -> NewEvent {
        NewEvent(
            identities: [identity], queue: queue, kind: "message", source: "webhook", payload: Data("{}".utf8),
            occurredAt: occurredAt ?? time)
    }

    func invocation(_ event: Int64, _ state: InvocationState, version: String = "1", isDry: Bool = false) -> Invocation
    {
        Invocation(
            id: InvocationID(event: event, place: 0).text, event: event, queue: "q", rule: "rule", version: version,
            state: state, attempt: 1, createdAt: time, updatedAt: time, isDry: isDry)
    }

    func hold(_ sequence: Int64, for keys: String..., in subject: Subject) async throws {
        try await subject.write(
            .matched(event: sequence, payload: nil, starts: [], refusals: [], at: time),
            .awaits(event: sequence, Awaiting(keys: keys, except: ["r"])),
            .event(sequence: sequence, state: .held, note: "why", at: time))
    }

    @Test(arguments: Implementation.allCases)
    func `a version is kept until it is old, unnamed, and no unfinished invocation pins it`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let (store, epoch) = (subject.store, subject.epoch)
        for version in ["named", "pinned", "over", "young"] {
            let at = version == "young" ? time + 10 : time
            try await store.keep(version, content: Data(version.utf8), at: at, epoch: epoch)
        }
        _ = try await subject.accept(event("a"), event("b"))
        try await subject.write(
            .invocation(invocation(1, .waiting, version: "pinned")),
            .invocation(invocation(2, .finished, version: "over")))
        try await expectSame(store.dropVersions(keptBefore: time + 5, except: ["named"], epoch: epoch), 1)
        for version in ["named", "pinned", "young"] {
            try await expectSame(store.content(ofVersion: version), Data(version.utf8))
        }
        try await expectSame(store.content(ofVersion: "over"), nil)
        // Wanted again, it is young again.
        try await store.keep("named", content: Data("named".utf8), at: time + 10, epoch: epoch)
        try await expectSame(store.dropVersions(keptBefore: time + 5, except: [], epoch: epoch), 0)
    }

    @Test(arguments: Implementation.allCases)
    func `held events are taken up by key, in the order of their queues, as far as asked`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let (store, epoch) = (subject.store, subject.epoch)
        _ = try await subject.accept(event("a", queue: "z"), event("b", queue: "y"), event("c", queue: "z"), event("d"))
        for sequence: Int64 in 1...3 { try await hold(sequence, for: "k", "other", in: subject) }
        try await hold(4, for: "other", in: subject)
        try await expectSame(store.event(1)?.awaits, Awaiting(keys: ["k", "other"], except: ["r"]))
        try await expectSame(store.openEvents(after: 0, through: .max, queue: nil, limit: 9).count, 0)

        try await expectSame(store.takeUpHeld("k", event: 3, limit: 9, epoch: epoch).map(\.sequence), [3])
        try await expectSame(store.takeUpHeld("k", event: nil, limit: 1, epoch: epoch).map(\.sequence), [2])
        let last = try await store.takeUpHeld("k", event: nil, limit: 9, epoch: epoch)
        expectNoDifference(last.map(\.sequence), [1])
        expectNoDifference(last.first?.state, .running)
        try await expectSame(store.takeUpHeld("k", event: nil, limit: 9, epoch: epoch).map(\.sequence), [])
        try await expectSame(
            store.openEvents(after: 0, through: .max, queue: nil, limit: 9).map(\.sequence), [1, 2, 3])
        try await expectSame(store.event(4)?.state, .held)
    }

    @Test(arguments: Implementation.allCases)
    func `what earlier events of a queue await is known`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"), event("c"), event("d", queue: "elsewhere"))
        try await hold(1, for: "k", in: subject)
        try await hold(2, for: "l", in: subject)
        try await expectSame(subject.store.awaited(in: "q", before: 1), [])
        try await expectSame(subject.store.awaited(in: "q", before: 2), ["k"])
        try await expectSame(subject.store.awaited(in: "q", before: 3), ["k", "l"])
        try await expectSame(subject.store.awaited(in: "elsewhere", before: 4), [])
        _ = try await subject.store.takeUpHeld("k", event: nil, limit: 9, epoch: subject.epoch)
        try await expectSame(subject.store.awaited(in: nil, before: nil), ["k", "l"])
        try await subject.write(.awaits(event: 1, nil), .event(sequence: 2, state: .expired, note: nil, at: time))
        try await expectSame(subject.store.awaited(in: nil, before: nil), [])
    }

    @Test(arguments: Implementation.allCases)
    func `held events expire by when they happened or were retried, and stay until then`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let (store, epoch) = (subject.store, subject.epoch)
        _ = try await subject.accept(
            event("old", occurredAt: time - 100), event("retried", occurredAt: time - 100), event("young"))
        for sequence: Int64 in 1...3 { try await hold(sequence, for: "k", in: subject) }
        try await subject.write(.reopen(event: 2, at: time), .event(sequence: 2, state: .held, note: nil, at: time))
        try await expectSame(store.event(2)?.retriedAt, time)
        let pruning = Pruning(events: time + 1000, identities: .distantPast, values: .distantPast, limit: 9)
        try await expectSame(store.prune(pruning, epoch: epoch), 0)
        try await expectSame(store.expireHeld(before: time - 50, note: "late", limit: 9, epoch: epoch), 1)
        try await expectSame(store.event(1)?.note, "late")
        let states = [
            try await store.event(1)?.state, try await store.event(2)?.state, try await store.event(3)?.state,
        ]
        expectNoDifference(states, [.expired, .held, .held])
        try await expectSame(store.prune(pruning, epoch: epoch), 1)
    }

    @Test(arguments: Implementation.allCases)
    func `what has expired or is held can be given another turn`(_ implementation: Implementation) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"), event("c"))
        try await subject.write(
            .event(sequence: 1, state: .expired, note: nil, at: time),
            .event(sequence: 3, state: .done, note: nil, at: time))
        try await hold(2, for: "k", in: subject)
        try await subject.write(.reopen(event: 1, at: time), .reopen(event: 2, at: time))
        let states = [try await subject.store.event(1)?.state, try await subject.store.event(2)?.state]
        expectNoDifference(states, [.pending, .running])
        let error = await #expect(throws: EngineError.self) { try await subject.write(.reopen(event: 3, at: time)) }
        #expect(error?.code == .conflict)
    }

    @Test(arguments: Implementation.allCases)
    func `recovery makes due what an event started that is matched for the rest`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        try await subject.write(
            .matched(event: 1, payload: nil, starts: [invocation(1, .running)], refusals: [], at: time),
            .awaits(event: 1, Awaiting(keys: ["k"])))
        try await subject.store.recover(at: time, epoch: subject.epoch)
        let due = try await subject.store.takeDue(at: time, limit: 9, epoch: subject.epoch)
        expectNoDifference(due.taken.map(\.event), [1])
    }

    @Test(arguments: Implementation.allCases)
    func `an invocation stays dry, its wait says so, and the others don't stand in line behind it`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"), event("b"))
        let entry = JournalEntry(
            invocation: invocation(1, .waiting).id, position: 0, name: "wait", input: Data("{}".utf8), effect: "wait",
            state: .waiting, intendedAt: time)
        var waiting = Waiting(
            invocation: entry.invocation, rule: "rule", trigger: 1, position: 0, name: "wait", input: Data(),
            queue: "q", since: 0, deadline: nil, exclusive: false)
        waiting.isDry = true
        try await subject.write(
            .invocation(invocation(1, .running, isDry: true)), .entry(entry),
            .invocation(invocation(1, .waiting, isDry: true)), .wait(waiting))
        try await expectSame(subject.store.invocation(entry.invocation)?.isDry, true)
        try await expectSame(subject.store.waits(on: "q").waits.map(\.isDry), [true])
        try await subject.store.lookAgain(dry: false, at: time, epoch: subject.epoch)
        try await expectSame(subject.store.invocation(entry.invocation)?.nextAttemptAt, nil)
        try await subject.store.lookAgain(dry: true, at: time + 7, epoch: subject.epoch)
        try await expectSame(subject.store.invocation(entry.invocation)?.nextAttemptAt, time + 7)
        // A live one stands in line; the dry one that waits is not in its way.
        try await subject.write(
            .matched(event: 2, payload: nil, starts: [invocation(2, .queued)], refusals: [], at: time))
        try await expectSame(subject.store.takeDue(at: time, limit: 9, epoch: subject.epoch).taken.map(\.event), [2])
    }

    @Test(arguments: Implementation.allCases)
    func `a journal is read in pages of so many bytes, of one entry at least`(
        _ implementation: Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        _ = try await subject.accept(event("a"))
        let id = invocation(1, .running).id
        try await subject.write(.invocation(invocation(1, .running)))
        for position in 0..<4 {
            var entry = JournalEntry(
                invocation: id, position: position, name: "get", input: Data(repeating: 32, count: 10), effect: "read",
                state: .succeeded, intendedAt: time)
            entry.outcome = Data(repeating: 32, count: position == 3 ? 100 : 10)
            try await subject.write(.entry(entry))
        }
        let page: @Sendable (Int) async throws -> [Int] = { position in
            try await subject.store.journal(of: id, from: position, byteLimit: 50).map(\.position)
        }
        try await expectSame(page(0), [0, 1])
        try await expectSame(page(2), [2])
        try await expectSame(page(3), [3])
        try await expectSame(page(4), [])
    }
}
