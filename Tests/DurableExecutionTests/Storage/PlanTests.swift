import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

/// How SQLite answers; see ``PlanWatch``, which looks at the statements of all other tests too.
@Suite(.timeLimit(.minutes(1))) struct PlanTests {
    typealias Subject = DurableStoreTests.Subject

    @Test(arguments: [
        "SELECT * FROM events WHERE note = 'x'", "UPDATE invocations SET reason = 'x' WHERE rule LIKE 'a%'",
        "DELETE FROM journal WHERE state = 'held'", "SELECT 1 FROM waits w WHERE w.deadline < 5",
        "SELECT event FROM identities WHERE at < 7",
    ])
    func `a scan is found`(sql: String) throws {
        #expect(try !PlanWatch().problems(of: sql).isEmpty)
    }

    @Test func `every list is read along an index`() async throws {
        let subject = try await Subject(.sqliteMemory)
        let states: [Set<EventState>] = [
            [], [.pending], [.failed, .expired], [.done], [.running, .failed, .done], Set(EventState.allCases),
        ]
        for (states, index) in product(states, 0..<8) {
            var filter = EventFilter()
            filter.states = states
            filter.queue = index & 1 == 0 ? nil : "q"
            filter.kind = index & 2 == 0 ? nil : "message"
            filter.before = index & 4 == 0 ? nil : 7
            _ = try await subject.store.events(filter)
        }
        let ends: [Set<InvocationState>] = [
            [], [.parked], [.failed, .cancelled], [.finished], [.queued, .failed, .finished],
            Set(InvocationState.allCases),
        ]
        for (states, index) in product(ends, 0..<16) {
            var filter = InvocationFilter()
            filter.states = states
            filter.queue = index & 1 == 0 ? nil : "q"
            filter.rule = index & 2 == 0 ? nil : "r"
            filter.event = index & 4 == 0 ? nil : 1
            filter.before = index & 8 == 0 ? nil : InvocationID(event: 3, place: 0).text
            _ = try await subject.store.invocations(filter)
        }
        let findings = PlanWatch.shared.findings.filter { $0.key.contains("DESC LIMIT") }
        #expect(findings.count > 60)
        #expect(findings.filter { !$0.value.isEmpty }.isEmpty)
    }

    private func product<A, B>(_ left: [A], _ right: some Sequence<B>) -> [(A, B)] {
        left.flatMap { one in right.map { (one, $0) } }
    }

    @Test func `lists by state and place are what they are without an index`() async throws {
        let subject = try await Subject(.sqliteMemory)
        let memory = try await Subject(.memory)
        for (index, state) in (EventState.allCases + EventState.allCases).enumerated() {
            for one in [subject, memory] {
                let event = NewEvent(
                    identities: ["\(index)"], queue: "q\(index % 3)", kind: "k\(index % 2)", source: "s",
                    payload: Data(), occurredAt: DurableStoreTests.time)
                _ = try await one.accept(event)
                try await one.write(.event(sequence: Int64(index) + 1, state: state, note: nil, at: event.occurredAt))
            }
        }
        let sets: [Set<EventState>] = [
            [], [.pending, .failed], [.done, .expired], [.quarantined], Set(EventState.allCases),
        ]
        for (states, queue) in product(sets, [nil, "q0", "q1"]) {
            for limit in [1, 3, 100] {
                var filter = EventFilter()
                filter.states = states
                filter.queue = queue
                filter.kind = limit == 3 ? "k1" : nil
                filter.limit = limit
                let found = try await subject.store.events(filter).map(\.sequence)
                try await expectSame(memory.store.events(filter).map(\.sequence), found)
            }
        }
    }

    @Test func `the way of an event, a start and upkeep scan nothing`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"), prepare: PlanWatch.watch)
        let bench = try EngineBench(
            ScriptedHandler([.once("send"), .store(.set(scope: "q", key: "k", value: Data("1".utf8)))]), store: store)
        bench.handler.scripts["waits"] = ScriptedProgram.making([.wait(.seconds(60), queue: "q")])
        bench.handler.matching = { _ in
            let modes: [StartMode] = [.parallel, .single, .restart, .queued(limit: 3), .debounce(.seconds(1))]
            return Matching(
                starts: modes.enumerated().map {
                    Start(rule: $0.offset == 1 ? "waits" : "rule\($0.offset)", version: "1", mode: $0.element)
                }, refusals: [Refusal(rule: "none", reason: "no")])
        }
        for round in 0..<3 {
            try await bench.run { engine in
                _ = try await engine.accept((0..<5).map { bench.event("\(round).\($0)") })
                await engine.idle()
                bench.clock.advance(by: .seconds(31 * 24 * 3600))
                await engine.idle()
                try await engine.prune()
                _ = try await store.census()
            }
        }
        _ = try await bench.run { engine in try await engine.forget(queues: ["q"], scopes: ["q"]) }
        let findings = PlanWatch.shared.findings
        #expect(findings.count > 80)
        #expect(findings.filter { !$0.value.isEmpty }.isEmpty)
    }
}
