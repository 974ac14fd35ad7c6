import Synchronization

/// What was accepted lately, so that it needn't be asked for each time that it is read again.
final class RecentIdentities: Sendable {
    private struct State {
        var present: Set<String> = []
        var former: Set<String> = []
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: How many are remembered for certain; at most twice as many are.
    init(limit: Int) { self.limit = limit }

    func contains(_ identities: [String]) -> Bool {
        state.withLock { state in
            identities.allSatisfy { state.present.contains($0) || state.former.contains($0) }
        }
    }

    func insert(_ identities: [String]) {
        state.withLock { state in
            if state.present.count >= limit { state = State(former: state.present) }
            state.present.formUnion(identities)
        }
    }
}
