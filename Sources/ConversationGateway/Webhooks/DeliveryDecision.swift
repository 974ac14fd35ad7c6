import Conversations

/// How an attempt to deliver ended.
enum DeliveryOutcome: Sendable, Hashable {
    case answered(status: Int, body: String)
    case timedOut
    /// No answer: the connection could not be made, or broke.
    case disconnected(String)
    /// Not attempted, since the webhook's host is not a public one.
    case refused(String)
}

/// What follows from an attempt.
enum DeliveryDecision: Sendable, Hashable {
    case succeeded
    case retry(after: Duration)
    case failed
}

/// Decides about attempts.
///
/// Any 2xx is taken as success, though the documentation speaks only of 200. Retried are 5xx, timeouts and broken
/// connections (source: AgentPhone API reference), and by our choice 408, 425 and 429, which say "later"; redirects are
/// never followed and are final, as other 4xx are.
struct DeliveryLadder: Sendable {
    var delays: [Duration]

    /// - Parameter attempts: How many attempts there were, this one included.
    func decide(_ outcome: DeliveryOutcome, attempts: Int) -> DeliveryDecision {
        let isWorthRepeating: Bool
        switch outcome {
        case .answered(200...299, _): return .succeeded
        case .answered(let status, _): isWorthRepeating = status >= 500 || [408, 425, 429].contains(status)
        case .timedOut, .disconnected: isWorthRepeating = true
        case .refused: isWorthRepeating = false
        }
        guard isWorthRepeating, attempts >= 1, attempts <= delays.count else { return .failed }
        return .retry(after: delays[attempts - 1])
    }
}

extension DeliveryOutcome {
    var httpStatus: Int? {
        guard case .answered(let status, _) = self else { return nil }
        return status
    }

    var responseBody: String? {
        guard case .answered(_, let body) = self, !body.isEmpty else { return nil }
        return body
    }

    /// Why it was no success; nil for 2xx.
    func errorMessage(timeout: Duration) -> String? {
        switch self {
        case .answered(200...299, _): nil
        case .answered(let status, _) where (300...399).contains(status):
            "the endpoint answered with a redirect (\(status)), which is not followed"
        case .answered(let status, _): "the endpoint answered \(status)"
        case .timedOut: "no answer within \(timeout.components.seconds) s"
        case .disconnected(let reason), .refused(let reason): reason
        }
    }
}
