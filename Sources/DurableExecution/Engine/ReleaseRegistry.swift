import Synchronization

/// Which hold keys were released lately, so that nobody starts to wait for a release that just went by.
final class ReleaseRegistry: Sendable {
    /// Beyond this it forgets which keys, and takes all for released: one try too many, never one too few.
    private static let limit = 10_000

    private struct State {
        var count: Int64 = 0
        var latest: [String: Int64] = [:]
        var floor: Int64 = 0
    }

    private let state = Mutex(State())

    /// A moment to compare later releases with.
    var moment: Int64 { state.withLock { $0.count } }

    func released(_ key: String) {
        state.withLock { state in
            state.count += 1
            if state.latest.count >= Self.limit {
                state.latest = [:]
                state.floor = state.count
            }
            state.latest[key] = state.count
        }
    }

    func wasReleased(_ key: String, since moment: Int64) -> Bool {
        state.withLock { ($0.latest[key] ?? $0.floor) > moment }
    }
}
