import Foundation
import Synchronization

@testable import DurableExecution

extension MemoryStore {
    func cursor(_ name: String) async throws(EngineError) -> String? { try read { $0.cursors[name] } }

    func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data? {
        try read { $0.value(scope, key, at: time) }
    }

    func facts(scope: String) async throws(EngineError) -> [Fact] {
        let values = try read { $0.values.filter { $0.key[0] == scope }.sorted { $0.key[1] < $1.key[1] } }
        var facts: [Fact] = []
        for (place, found) in values { facts.append(try Fact(scope: scope, key: place[1], stored: found.value)) }
        return facts
    }

    func event(_ sequence: Int64) async throws(EngineError) -> Event? {
        try read { $0.event(sequence) }
    }

    func event(identity: String) async throws(EngineError) -> Int64? { try read { $0.identities[identity] } }

    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event] {
        let events = try read { state in
            state.events.filter {
                $0.sequence > sequence && $0.sequence <= last && $0.state.isOpen && (queue == nil || $0.queue == queue)
            }
        }
        let page = events.prefix(limit)
        guard fault == .dropsOrder, let last = page.last else { return Array(page) }
        return page.dropLast().reversed() + [last]
    }

    func starts(of event: Int64) async throws(EngineError) -> [Invocation]? {
        try read { state in
            guard state.matched.contains(event) else { return nil }
            return state.invocations.values.filter { $0.event == event }.sorted { $0.id < $1.id }
        }
    }

    func deliveries(of event: Int64) async throws(EngineError) -> [Invocation] {
        try read { state in state.deliveries[event, default: []].compactMap { state.invocations[$0] } }
    }

    func waits(on queue: String) async throws(EngineError) -> WaitList {
        try read { state in
            let waits = state.waits.filter { $0.queue == queue && state.isOpen($0) }
            return WaitList(waits: waits.sorted { $0.opened > $1.opened }, latest: state.registrations)
        }
    }

    func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64 {
        try read { state in
            let entries = state.journal[invocation.id, default: [:]].values.filter { $0.inboxQueue == queue }
            let counted = state.fault == .returnsAnswersTwice ? entries.filter { $0.effect != "wait" } : entries
            return max(invocation.event, counted.compactMap(\.inboxPlace).max() ?? 0)
        }
    }

    func countWaits(
        on queue: String, rule: String, besides invocation: String, limit: Int
    ) async throws(EngineError) -> Int {
        try read { state in
            let waits = state.waits.filter {
                $0.queue == queue && $0.invocation != invocation && state.invocations[$0.invocation]?.rule == rule
            }
            return min(waits.count, limit)
        }
    }

    func passedEvents(after sequence: Int64, queue: String, limit: Int) async throws(EngineError) -> [Event] {
        try read { state in
            let passed = state.events.filter {
                $0.queue == queue && $0.sequence > sequence && $0.state != .pending
            }
            return Array(passed.prefix(limit))
        }
    }

    func earliestPending(in queue: String) async throws(EngineError) -> Date? {
        try read { state in
            state.events.filter { $0.queue == queue && $0.state == .pending }
                .map { min($0.occurredAt, $0.acceptedAt) }.min()
        }
    }

    func hasPending(after sequence: Int64, queue: String, by deadline: Date) async throws(EngineError) -> Bool {
        guard fault != .overlooksPendingAnswers else { return false }
        return try read { state in
            state.events.contains {
                $0.queue == queue && $0.sequence > sequence && $0.state == .pending
                    && min($0.occurredAt, $0.acceptedAt) <= deadline
            }
        }
    }

    func journal(of invocation: String, from position: Int) async throws(EngineError) -> [JournalEntry] {
        let entries = try read { state in
            state.journal[invocation, default: [:]].values.filter { $0.position >= position }
                .sorted { $0.position < $1.position }
        }
        guard fault == .repeatsUnknown else { return entries }
        return entries.map { entry in
            var entry = entry
            if entry.state == .intended { entry.state = .retrying }
            return entry
        }
    }

    func events(_ filter: EventFilter) async throws(EngineError) -> [Event] {
        try read { state in
            let found = state.events.reversed().filter {
                (filter.states.isEmpty || filter.states.contains($0.state))
                    && (filter.queue == nil || $0.queue == filter.queue)
                    && (filter.kind == nil || $0.kind == filter.kind)
                    && $0.sequence < filter.before ?? .max
            }
            return Array(found.prefix(filter.limit))
        }
    }

    func invocation(_ id: String) async throws(EngineError) -> Invocation? { try read { $0.invocations[id] } }

    func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation] {
        try read { state in
            let found = state.invocations.values.filter {
                (filter.states.isEmpty || filter.states.contains($0.state))
                    && (filter.queue == nil || $0.queue == filter.queue)
                    && (filter.rule == nil || $0.rule == filter.rule)
                    && (filter.event == nil || $0.event == filter.event)
                    && $0.id < filter.before ?? "~"
            }
            return Array(found.sorted { $0.id > $1.id }.prefix(filter.limit))
        }
    }

    func refusals(of event: Int64) async throws(EngineError) -> [Refusal] { try read { $0.refusals[event] ?? [] } }

    func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        try read { $0.logs[invocation] ?? [] }
    }
}
