import Foundation
import Synchronization

/// Queues with waits whose time is over, but which an event that came in time and has not had its turn can still end.
///
/// They are decided as the queue goes on, so they need not look again and again.
final class OverdueWaits: Sendable {
    /// What such waits are held by, so that the next start decides them if this process does not.
    static let holdKey = "overdue"

    /// With the latest time at which such a wait was found; the clock may be set back after that.
    private let queues = Mutex<[String: Date]>([:])

    /// By when the time of the queue's overdue waits was over; nil if there are none.
    func latest(in queue: String) -> Date? { queues.withLock { $0[queue] } }

    func insert(_ queue: String, at time: Date) {
        queues.withLock { $0[queue] = max($0[queue] ?? time, time) }
    }

    func remove(_ queue: String) { queues.withLock { $0[queue] = nil } }
}

extension EngineContext {
    /// An event of the queue had its turn: waits that it was the last hope of are decided now.
    func progressed(_ queue: String) async throws(EngineError) {
        guard overdueWaits.latest(in: queue) != nil else { return }
        let time = now
        let isDue = try await turns.alone(in: queue) { () async throws(EngineError) in
            let (earliest, list) = try await insisting { () async throws(EngineError) in
                (try await store.earliestPending(in: queue), try await store.waits(on: queue))
            }
            let latest = overdueWaits.latest(in: queue) ?? time
            let overdue = list.waits.filter { $0.deadline.map { $0 <= latest } ?? false }
            let decided = overdue.filter { wait in earliest.map { wait.deadline ?? $0 < $0 } ?? true }
            if decided.count == overdue.count { overdueWaits.remove(queue) }
            guard !decided.isEmpty else { return false }
            try await commit(decided.map { .due(invocation: $0.invocation, at: time) })
            return true
        }
        if isDue { await becameDue(time) }
    }
}
