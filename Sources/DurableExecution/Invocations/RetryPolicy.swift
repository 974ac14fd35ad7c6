/// When a command that failed is tried again, and when it is given up.
public struct RetryPolicy: Sendable, Hashable {
    /// The delay after the first failure, before jitter; each further one doubles it.
    public var firstDelay: Duration = .seconds(1)
    /// The longest delay of the policy itself; the other side may ask for more.
    public var longestDelay: Duration = .seconds(300)
    /// How often one command is tried, the first time included.
    public var attemptLimit: Int = 8
    /// How long after its first try a command may be tried again.
    public var timeLimit: Duration = .seconds(3600)

    public init() {}

    public enum Decision: Sendable, Hashable {
        case retry(after: Duration)
        case giveUp
    }

    /// Decides after a failure that is retryable.
    ///
    /// The delay is drawn evenly from the upper half of the exponential one ("equal jitter", Amazon Builders'
    /// Library, "Timeouts, retries, and backoff with jitter"), so it is never near zero, and never below `retryAfter`.
    ///
    /// - Parameters:
    ///   - attempt: The try that failed, from 1.
    ///   - elapsed: The time since the first try.
    ///   - retryAfter: The shortest delay that the other side asked for.
    ///   - random: A number in 0..<1.
    public func decide(attempt: Int, elapsed: Duration, retryAfter: Duration?, random: Double) -> Decision {
        guard attempt < attemptLimit else { return .giveUp }
        let jittered = Self.delay(after: attempt, first: firstDelay, longest: longestDelay, random: random)
        let wait = max(jittered, retryAfter ?? .zero)
        return elapsed + wait <= timeLimit ? .retry(after: wait) : .giveUp
    }

    /// The delay after so many failures: doubled each time, and drawn from its upper half.
    static func delay(after failures: Int, first: Duration, longest: Duration, random: Double) -> Duration {
        var delay = min(first, longest)
        for _ in 1..<max(failures, 1) where delay < longest { delay = min(delay * 2, longest) }
        return delay * (0.5 + random / 2)
    }
}
