import Synchronization

/// Cancels a task from outside of it.
final class Interruption: Sendable {
    private struct State {
        var cancel: (@Sendable () -> Void)?
        var isInterrupted = false
    }

    private let state = Mutex(State())

    /// Runs `body` to its end, cancelled once somebody interrupts.
    func ending(_ body: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            let (interrupted, interruption) = AsyncStream.makeStream(of: Void.self)
            let isLate = state.withLock { state in
                state.cancel = { interruption.finish() }
                return state.isInterrupted
            }
            if isLate { interruption.finish() }
            group.addTask { await body() }
            group.addTask { for await _ in interrupted {} }
            await group.next()
            group.cancelAll()
        }
    }

    func interrupt() {
        let cancel = state.withLock { state in
            state.isInterrupted = true
            return state.cancel
        }
        cancel?()
    }
}
