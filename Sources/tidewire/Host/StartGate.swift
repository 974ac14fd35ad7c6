import ServiceLifecycle
import Synchronization

/// Holds back what must not begin before the host has read what it missed.
final class StartGate: Sendable {
    private struct State {
        var isOpen = false
        var lastNumber = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once it is open, or the task is cancelled.
    ///
    /// - Returns: Whether it is open.
    func wait() async -> Bool {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayPass = state.withLock { state in
                    if state.isOpen || state.cancelled.remove(number) != nil { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if mayPass { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: number)
                if waiter == nil, !state.isOpen { state.cancelled.insert(number) }
                return waiter
            }
            waiter?.resume()
        }
        return state.withLock { $0.isOpen }
    }
}

/// A service that begins once a gate is open.
struct GatedService: Service {
    let gate: StartGate
    let service: any Service

    func run() async throws {
        guard await cancelWhenGracefulShutdown({ await gate.wait() }) else { return }
        try await service.run()
    }
}
