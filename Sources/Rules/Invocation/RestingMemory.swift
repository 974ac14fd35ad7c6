import Synchronization

/// What Lua states hold in which runs rest, of all shards together.
///
/// A state is counted whole, garbage and running scripts included: what a single run holds, Lua does not tell.
final class RestingMemory: Sendable {
    private struct State {
        var held: [ObjectIdentifier: Int] = [:]
        var total = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: In bytes.
    init(limit: Int) { self.limit = limit }

    /// Whether runs rest anywhere.
    var isHeld: Bool { state.withLock { !$0.held.isEmpty } }

    /// Counts a state in which a run is to rest, unless that is too much.
    func admit(_ bytes: Int, of id: ObjectIdentifier) -> Bool {
        state.withLock { state in
            let total = state.total - (state.held[id] ?? 0) + bytes
            guard total <= limit else { return false }
            state.held[id] = bytes
            state.total = total
            return true
        }
    }

    /// No run rests there any more.
    func drop(_ id: ObjectIdentifier) {
        state.withLock { $0.total -= $0.held.removeValue(forKey: id) ?? 0 }
    }
}
