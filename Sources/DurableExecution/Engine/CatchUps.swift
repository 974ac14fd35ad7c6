import Foundation

/// Fetches what happened in a queue while the process was down, once for each queue.
actor CatchUps {
    enum Result: Sendable {
        case done
        /// It should be tried again later.
        case failed(EngineFailure)
        /// Who has to be asked does not answer.
        case blocked(upstream: String)
    }

    private typealias Waiter = CheckedContinuation<Result, Never>

    private enum Progress {
        case underWay([Waiter])
        case done
    }

    private var queues: [String: Progress] = [:]

    func catchUp(_ queue: String, in context: EngineContext) async -> Result {
        switch queues[queue] {
        case .done:
            return .done
        case .underWay(let waiters):
            return await withCheckedContinuation { queues[queue] = .underWay(waiters + [$0]) }
        case nil:
            queues[queue] = .underWay([])
            let result = await Self.perform(queue, context)
            if case .underWay(let waiters)? = queues[queue] {
                for waiter in waiters { waiter.resume(returning: result) }
            }
            if case .done = result { queues[queue] = .done } else { queues[queue] = nil }
            return result
        }
    }

    private static func perform(_ queue: String, _ context: EngineContext) async -> Result {
        let upstream = context.handler.upstream(catchingUp: queue)
        guard case .go(let call) = await context.breakers.admit(upstream, at: context.steadyNow) else {
            return .blocked(upstream: upstream ?? "")
        }
        do {
            try await context.handler.catchUp(queue)
            context.ended(call, context.shouldEnd ? .none : .answered)
            return .done
        } catch {
            guard let failure = error as? EngineFailure, failure.retryable else {
                context.ended(call, .none)
                return .done
            }
            let isSilent = failure.upstream != nil && failure.upstream == upstream && !context.shouldEnd
            context.ended(call, isSilent ? .silent(failure.message) : .none)
            if isSilent, let upstream, context.breakers.trouble(at: upstream) != nil {
                return .blocked(upstream: upstream)
            }
            return .failed(failure)
        }
    }
}
