public import Foundation

/// The circuit breaker of one upstream: while nobody answers there, work for it waits instead of failing.
public struct Breaker: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Calls go through; some may have gone unanswered.
        case closed
        /// Nobody answered too often in a row: calls wait.
        case open
        /// One call finds out whether somebody answers again; the others wait.
        case probing
    }

    /// Whether a call may be made.
    enum Admission: Hashable {
        case go(isProbe: Bool)
        case hold(until: Date, reason: String)
    }

    /// What a call found out.
    enum Answer: Hashable {
        case answered
        /// Nobody answered; why.
        case silent(String)
        /// No call was made, or its end was not awaited.
        case none
    }

    enum Transition: Hashable { case opened, closed }

    /// The hold key of commands that wait for the upstream.
    static func holdKey(_ upstream: String) -> String { "upstream:\(upstream)" }

    public let upstream: String
    public private(set) var state = State.closed
    /// How many calls in a row went unanswered before it opened, or did until now.
    public private(set) var failures = 0
    /// How many probes went unanswered since.
    public private(set) var failedProbes = 0
    public private(set) var openedAt: Date?
    /// From when on the next call goes through as a probe.
    public private(set) var nextProbeAt: Date?
    /// What the last unanswered call failed with.
    public private(set) var reason: String?
    /// When one of those who wait is to be let go, so that there is somebody to probe.
    private(set) var nudgeAt: Date?

    init(_ upstream: String) { self.upstream = upstream }

    /// Whether there is nothing to remember.
    var isUntroubled: Bool { state == .closed && failures == 0 }

    mutating func admit(at time: Date, policy: BreakerPolicy) -> Admission {
        switch state {
        case .closed:
            return .go(isProbe: false)
        case .open where nextProbeAt.map { $0 <= time } ?? true:
            state = .probing
            return .go(isProbe: true)
        case .open, .probing:
            let next = state == .open ? nextProbeAt : nil
            let since = openedAt.map { " since \($0.formatted(.iso8601))" } ?? ""
            return .hold(
                until: next ?? time.adding(policy.firstDelay).storable,
                reason: "\(upstream) does not answer\(since): \(reason ?? "")")
        }
    }

    mutating func ended(
        _ answer: Answer, isProbe: Bool, at time: Date, policy: BreakerPolicy, random: Double
    ) -> Transition? {
        switch answer {
        case .answered:
            defer { self = Breaker(upstream) }
            return state == .closed ? nil : .closed
        case .none:
            if isProbe, state == .probing { state = .open }
            return nil
        case .silent(let reason):
            self.reason = reason
            return fail(isProbe: isProbe, at: time, policy, random)
        }
    }

    /// Nobody answered for so long that calls wait for calls: it opens without waiting for them to fail.
    ///
    /// - Returns: Whether it opened now.
    mutating func fellSilent(_ reason: String, at time: Date, policy: BreakerPolicy, random: Double) -> Bool {
        guard state == .closed else { return false }
        self.reason = reason
        openedAt = time
        open(at: time, policy, random)
        return true
    }

    private mutating func fail(
        isProbe: Bool, at time: Date, _ policy: BreakerPolicy, _ random: Double
    ) -> Transition? {
        switch state {
        case .closed:
            failures += 1
            guard failures >= max(policy.failureLimit, 1) else { return nil }
            openedAt = time
            open(at: time, policy, random)
            return .opened
        case .probing where isProbe:
            failedProbes += 1
            open(at: time, policy, random)
            return nil
        case .open, .probing:
            // A call from before it opened, which says nothing new.
            return nil
        }
    }

    private mutating func open(at time: Date, _ policy: BreakerPolicy, _ random: Double) {
        state = .open
        nextProbeAt = time.adding(policy.delay(afterProbes: failedProbes, random: random)).storable
        nudgeAt = nextProbeAt
    }

    /// Whether somebody who waits is to be let go now, to probe. If that leads to no probe, it is said again later.
    mutating func nudges(at time: Date, policy: BreakerPolicy) -> Bool {
        guard state != .closed, let due = nudgeAt, due <= time else { return false }
        nudgeAt = time.adding(policy.firstDelay).storable
        return state == .open
    }
}
