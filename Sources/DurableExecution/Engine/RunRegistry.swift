import Synchronization

/// Which invocations are to end before they are done.
final class RunRegistry: Sendable {
    private struct Request {
        var reason: String
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private struct State {
        var requests: [String: Request] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Why the run of that invocation is to end; nil if it may go on.
    func cancellation(of id: String) -> String? { state.withLock { $0.requests[id]?.reason } }

    /// Asks a run that is under way, or about to begin, to end, and returns once it has settled.
    ///
    /// - Parameters:
    ///   - onceAsked: Called once the request is known to the run.
    ///   - isRunning: Asked after that. If it answers no, the run settled before it could see the request, and nobody
    ///     will answer it.
    /// - Returns: False if it was not asked, since no run will settle any more.
    @discardableResult
    func cancel<Failure: Error>(
        _ id: String, because reason: String, onceAsked: @Sendable () async -> Void = {},
        isRunning: @Sendable () async throws(Failure) -> Bool
    ) async throws(Failure) -> Bool {
        let isNew: Bool? = state.withLock { state in
            guard !state.isClosed else { return nil }
            guard state.requests[id] == nil else { return false }
            state.requests[id] = Request(reason: reason)
            return true
        }
        guard let isNew else { return false }
        await onceAsked()
        if isNew {
            let answer: Bool
            do throws(Failure) {
                answer = try await isRunning()
            } catch {
                settled(id)
                throw error
            }
            guard answer else {
                settled(id)
                return true
            }
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.requests[id]?.waiters.append(continuation)
                return state.requests[id] == nil
            }
            if isOver { continuation.resume() }
        }
        return true
    }

    /// The run has settled, whether it was asked to end or not; whoever waits for that goes on.
    func settled(_ id: String) {
        let request = state.withLock { $0.requests.removeValue(forKey: id) }
        for waiter in request?.waiters ?? [] { waiter.resume() }
    }

    /// No run will settle any more.
    func close() {
        let requests = state.withLock { state in
            state.isClosed = true
            defer { state.requests = [:] }
            return state.requests
        }
        for waiter in requests.values.flatMap(\.waiters) { waiter.resume() }
    }
}
