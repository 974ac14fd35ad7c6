import Foundation
import Synchronization

/// What an invocation has to write with its next commit, in order.
///
/// Shared with the performer of a command, who may commit a checkpoint: what came before goes with it, so the journal on
/// disk never has a gap.
final class PendingWrites: Sendable {
    private let changes = Mutex<[Change]>([])
    private let context: EngineContext

    init(_ context: EngineContext) { self.context = context }

    var count: Int { changes.withLock { $0.count } }

    /// What the outcomes and log lines among them hold, about.
    var bytes: Int { changes.withLock { $0.reduce(0) { $0 + $1.byteCount } } }

    func add(_ change: Change) { changes.withLock { $0.append(change) } }

    /// Whether it is to be noted that nobody knows whether the command at `position` took place.
    func hasDoubt(about position: Int) -> Bool {
        changes.withLock { changes in
            changes.contains { change in
                guard case .entry(let entry) = change, entry.position == position else { return false }
                return entry.isUndecided
            }
        }
    }

    /// Commits everything together with `more`.
    ///
    /// - Throws: ``EngineError``; then `more` is dropped, and the rest is still to be written.
    func commit(_ more: [Change] = []) async throws(EngineError) {
        let own = take()
        guard !own.isEmpty || !more.isEmpty else { return }
        do throws(EngineError) {
            try await context.commit(own + more)
        } catch {
            changes.withLock { $0 = own + $0 }
            throw error
        }
    }

    /// Everything, which the caller commits in its own way.
    func take() -> [Change] {
        changes.withLock { changes in
            defer { changes = [] }
            return changes
        }
    }
}

extension Change {
    fileprivate var byteCount: Int {
        switch self {
        case .entry(let entry): entry.input.count + (entry.outcome?.count ?? 0)
        case .logs(_, _, let lines, _): lines.reduce(0) { $0 + $1.byteCount }
        default: 0
        }
    }
}

/// The checkpoint of the command being performed.
final class Checkpoint: Sendable {
    private let data: Mutex<Data?>

    init(_ data: Data?) { self.data = Mutex(data) }

    var value: Data? {
        get { data.withLock { $0 } }
        set { data.withLock { $0 = newValue } }
    }
}
