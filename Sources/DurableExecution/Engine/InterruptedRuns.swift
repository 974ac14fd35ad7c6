import Synchronization

/// Invocations that were running with their event when the process before ended, or when their event was held back.
///
/// Their event takes them up again. What else is running was taken up on its own, because its time had come.
final class InterruptedRuns: Sendable {
    private let ids = Mutex<Set<String>>([])

    func contains(_ id: String) -> Bool { ids.withLock { $0.contains(id) } }

    func insert(_ all: some Sequence<String>) { ids.withLock { $0.formUnion(all) } }
}

extension EngineContext {
    /// Notes what the process before left running; to be called before anything is taken up.
    func noteInterrupted() async throws(EngineError) {
        var running = InvocationFilter()
        running.states = [.running]
        running.limit = 100_000
        let query = running
        let left = try await insisting { () async throws(EngineError) in try await store.invocations(query) }
        interrupted.insert(left.map(\.id))
    }
}
