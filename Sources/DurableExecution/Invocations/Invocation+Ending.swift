import Foundation
import Logging

extension Invocation {
    /// Takes on the state that goes with how a run ended.
    mutating func settle(_ ending: InvocationRun.Ending, at time: Date) {
        updatedAt = time
        reason = nil
        nextAttemptAt = nil
        holdKey = nil
        switch ending {
        case .finished(let result):
            state = .finished
            self.result = result
        case .failed(let failure):
            state = .failed
            self.failure = failure
            reason = failure.message
        case .retrying(let time, let failure):
            state = .retrying
            nextAttemptAt = time
            reason = failure.message
        case .held(let hold):
            state = .held
            holdKey = hold.key
            reason = hold.reason
            nextAttemptAt = hold.until
        case .parked(let reason):
            state = .parked
            self.reason = reason
        case .cancelled(let reason):
            state = .cancelled
            self.reason = reason
        case .waiting, .abandoned:
            preconditionFailure("a wait is written by itself, and an abandoned run leaves the invocation as it was")
        }
    }
}

extension EngineError {
    /// Whether other work can go on after it.
    var concernsOneRowOnly: Bool {
        switch code {
        case .badInput, .notFound, .conflict, .corrupted: true
        case .unavailable, .storeFailed, .superseded: false
        }
    }
}

extension EngineContext {
    /// Tells observers, metrics and the log how a run of an invocation ended.
    func report(_ invocation: Invocation, _ ending: InvocationRun.Ending) {
        EngineMetrics.settled(invocation.state)
        switch ending {
        case .finished, .failed, .cancelled:
            observe(.ended(invocation, duration: invocation.updatedAt.since(invocation.createdAt)))
        case .retrying(let time, let failure):
            observe(.retrying(invocation, at: time, failure))
        case .waiting:
            observe(.waiting(invocation))
        case .held(let hold):
            observe(.held(invocation, hold))
        case .parked:
            logger.warning(
                "invocation parked",
                metadata: [
                    "invocation": "\(invocation.id)", "rule": "\(invocation.rule)",
                    "reason": "\(invocation.reason ?? "")",
                ])
            observe(.parked(invocation))
        case .abandoned:
            break
        }
    }
}
