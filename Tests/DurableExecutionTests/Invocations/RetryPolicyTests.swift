import CustomDump
import DurableExecution
import Testing

@Suite struct RetryPolicyTests {
    let policy = RetryPolicy()

    @Test func `delays double up to the longest`() {
        var policy = RetryPolicy()
        policy.attemptLimit = 100
        policy.timeLimit = .seconds(100_000)
        policy.longestDelay = .seconds(10)
        let delays = (1...6).map { policy.decide(attempt: $0, elapsed: .zero, retryAfter: nil, random: 1) }
        expectNoDifference(delays, [1, 2, 4, 8, 10, 10].map { .retry(after: .seconds($0)) })
    }

    @Test func `jitter takes away at most half`() {
        let decision = policy.decide(attempt: 3, elapsed: .zero, retryAfter: nil, random: 0)
        expectNoDifference(decision, .retry(after: .seconds(2)))
    }

    @Test func `the other side's wish is honoured`() {
        let decision = policy.decide(attempt: 1, elapsed: .zero, retryAfter: .seconds(77), random: 0.5)
        expectNoDifference(decision, .retry(after: .seconds(77)))
    }

    @Test func `the last attempt is the last`() {
        let last = policy.attemptLimit
        #expect(policy.decide(attempt: last, elapsed: .zero, retryAfter: nil, random: 0) == .giveUp)
        #expect(policy.decide(attempt: last - 1, elapsed: .zero, retryAfter: nil, random: 0) != .giveUp)
    }

    @Test func `no retry begins after the time limit`() {
        let limit = policy.timeLimit
        #expect(policy.decide(attempt: 1, elapsed: limit, retryAfter: nil, random: 0) == .giveUp)
        #expect(policy.decide(attempt: 1, elapsed: .zero, retryAfter: limit * 2, random: 0) == .giveUp)
    }

    @Test func `a huge attempt neither traps nor takes long`() {
        var policy = RetryPolicy()
        policy.attemptLimit = .max
        policy.timeLimit = .seconds(100_000)
        #expect(
            policy.decide(attempt: 100_000, elapsed: .zero, retryAfter: nil, random: 1) == .retry(after: .seconds(300)))
    }
}
