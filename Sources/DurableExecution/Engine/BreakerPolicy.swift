/// When the circuit breaker of an upstream opens, and how it finds out that somebody answers again.
///
/// Source of the pattern: Michael Nygard, "Release It!"; Microsoft, Azure Architecture Center, "Circuit Breaker pattern".
public struct BreakerPolicy: Sendable, Hashable {
    /// How many calls in a row have to go unanswered for the breaker to open.
    public var failureLimit = 5
    /// How long after opening the first probe goes, before jitter; each probe that fails doubles it.
    public var firstDelay = Duration.seconds(5)
    /// The longest time between probes.
    public var longestDelay = Duration.seconds(300)
    /// How many calls are in the air at once; more wait for one of them to end.
    public var callLimit = 256
    /// After how long without any answer the breaker opens while calls wait for others to end. Calls that hang fail only
    /// once their time is over; by then everybody's hands would be full of them.
    public var silenceLimit = Duration.seconds(2)
    /// How many invocations go on at once when it closes, and again each ``burstInterval`` after.
    public var burst = 100
    public var burstInterval = Duration.seconds(1)

    public init() {}

    /// - Parameters:
    ///   - failures: How many probes failed since it opened.
    ///   - random: A number in 0..<1.
    func delay(afterProbes failures: Int, random: Double) -> Duration {
        RetryPolicy.delay(after: failures + 1, first: firstDelay, longest: longestDelay, random: random)
    }
}
