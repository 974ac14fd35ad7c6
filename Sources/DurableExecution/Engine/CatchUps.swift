/// Fetches what happened in a queue while the process was down, once for each queue.
actor CatchUps {
    private typealias Waiter = CheckedContinuation<EngineFailure?, Never>

    private enum Progress {
        case underWay([Waiter])
        case done
    }

    private var queues: [String: Progress] = [:]

    /// - Returns: Why it should be tried again later; nil if the queue was caught up with.
    func catchUp(_ queue: String, by handler: any EventHandler) async -> EngineFailure? {
        switch queues[queue] {
        case .done:
            return nil
        case .underWay(let waiters):
            return await withCheckedContinuation { queues[queue] = .underWay(waiters + [$0]) }
        case nil:
            queues[queue] = .underWay([])
            let failure = await Self.perform(queue, handler)
            if case .underWay(let waiters)? = queues[queue] {
                for waiter in waiters { waiter.resume(returning: failure) }
            }
            queues[queue] = failure == nil ? .done : nil
            return failure
        }
    }

    private static func perform(_ queue: String, _ handler: any EventHandler) async -> EngineFailure? {
        do {
            try await handler.catchUp(queue)
            return nil
        } catch {
            guard let failure = error as? EngineFailure, failure.retryable else { return nil }
            return failure
        }
    }
}
