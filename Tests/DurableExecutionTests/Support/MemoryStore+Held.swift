import Foundation

@testable import DurableExecution

/// Versions, and events that wait for what was missing.
extension MemoryStore {
    func lookAgain(dry isDry: Bool, at time: Date, epoch: Epoch) async throws(EngineError) {
        try change(epoch) { state in
            for wait in state.waits where wait.isDry == isDry && state.invocations[wait.invocation]?.state == .waiting {
                guard state.events.contains(where: { $0.queue == wait.queue && $0.sequence > wait.since }) else {
                    continue
                }
                state.invocations[wait.invocation]?.nextAttemptAt = time.storable
            }
        }
    }

    func keep(_ version: String, content: Data, at time: Date, epoch: Epoch) async throws(EngineError) {
        try change(epoch) { $0.versions[version] = (content, time.storable) }
    }

    func dropVersions(
        keptBefore time: Date, except others: Set<String>, epoch: Epoch
    ) async throws(EngineError) -> Int {
        try change(epoch) { state in
            let pinned = Set(state.invocations.values.filter { !$0.state.isEnded }.map(\.version))
            let dropped = state.versions.filter {
                $0.value.keptAt < time && !others.contains($0.key) && !pinned.contains($0.key)
            }.keys
            for version in dropped { state.versions[version] = nil }
            return dropped.count
        }
    }

    func content(ofVersion version: String) async throws(EngineError) -> Data? {
        try read { $0.versions[version]?.content }
    }

    func takeUpHeld(_ key: String, event: Int64?, limit: Int, epoch: Epoch) async throws(EngineError) -> [Event] {
        try change(epoch) { state in
            let held = state.events.filter {
                $0.state == .held && $0.awaits?.keys.contains(key) == true && (event == nil || event == $0.sequence)
            }
            return held.sorted { ($0.queue, $0.sequence) < ($1.queue, $1.sequence) }.prefix(limit).map { event in
                state.edit(event.sequence) {
                    $0.state = .running
                    $0.note = nil
                }
                return state.event(event.sequence) ?? event
            }
        }
    }

    func expireHeld(before time: Date, note: String, limit: Int, epoch: Epoch) async throws(EngineError) -> Int {
        try change(epoch) { state in
            let old = state.events.filter {
                $0.state == .held && max($0.occurredAt, $0.retriedAt ?? .distantPast) < time
            }.prefix(limit)
            for event in old {
                state.edit(event.sequence) {
                    $0.state = .expired
                    $0.note = note
                }
            }
            return old.count
        }
    }

    func journal(
        of invocation: String, from position: Int, byteLimit: Int
    ) async throws(EngineError) -> [JournalEntry] {
        var bytes = 0
        let rest = try await journal(of: invocation).filter { $0.position >= position }
        return Array(
            rest.enumerated().prefix { index, entry in
                bytes += entry.input.count + (entry.outcome?.count ?? 0)
                return index == 0 || bytes <= byteLimit
            }.map(\.element))
    }

    func awaited(in queue: String?, before sequence: Int64?) async throws(EngineError) -> Set<String> {
        try read { state in
            let events = state.events.filter {
                ($0.state == .held || $0.state == .running)
                    && (queue == nil || $0.queue == queue && $0.sequence < sequence ?? .max)
            }
            return Set(events.flatMap { $0.awaits?.keys ?? [] })
        }
    }
}
