import Foundation
import Synchronization

/// The circuit breakers of all upstreams that gave trouble, and the calls that are in the air.
final class Breakers: Sendable {
    /// A call that was let through.
    struct Call: Sendable {
        var upstream: String?
        var isProbe = false
    }

    enum Admission: Sendable {
        case go(Call)
        case hold(until: Date, reason: String)
    }

    /// Held work to be let go.
    struct Release: Hashable, Sendable {
        var upstream: String
        /// Whether only one is let go, to probe.
        var isProbe: Bool
    }

    /// A breaker as it was before it closed, or is after it opened.
    typealias Change = (breaker: Breaker, transition: Breaker.Transition)

    fileprivate typealias Waiter = CheckedContinuation<Admission, Never>

    /// The calls of one upstream.
    fileprivate struct Traffic {
        var inAir = 0
        /// The last answer, or when the first of the calls in the air began if that was later.
        var silentSince: Date
        /// Who waits for a call to end.
        var waiters = FIFO<Waiter>()
    }

    fileprivate struct State {
        var breakers: [String: Breaker] = [:]
        var closed: [String] = []
        /// By upstream that has calls in the air.
        var traffic: [String: Traffic] = [:]
        var inAir = 0
        /// Whether somebody waits for hands, which a call that begins lends.
        var wantsHands = false
    }

    private let policy: BreakerPolicy
    /// Has the engine look what can be done.
    private let wake: @Sendable () -> Void
    private let state = Mutex(State())

    init(_ policy: BreakerPolicy, wake: @escaping @Sendable () -> Void = {}) {
        self.policy = policy
        self.wake = wake
    }

    /// By name.
    var all: [Breaker] { state.withLock { $0.breakers.values.sorted { $0.upstream < $1.upstream } } }

    /// How many calls wait for others to end.
    var waiting: Int { state.withLock { $0.traffic.values.reduce(0) { $0 + $1.waiters.count } } }

    /// How many hands hold nothing but a call in the air, so that as many others may work.
    ///
    /// - Parameter wantsMore: Whether to wake the engine when the next call begins.
    func handsLent(wantsMore: Bool) -> Int {
        state.withLock { state in
            state.wantsHands = wantsMore
            return state.inAir
        }
    }

    // MARK: Calls

    /// Lets a call through, once there is room for it, or holds it. One that goes has to be ended by ``ended(_:_:at:)``.
    func admit(_ upstream: String?, at time: Date) async -> Admission {
        guard let upstream else { return .go(Call()) }
        if let admission = admitNow(upstream, at: time) { return admission }
        return await withCheckedContinuation { (waiter: Waiter) in
            // There may be room by now.
            if let admission = admitNow(upstream, at: time, orQueue: waiter) {
                waiter.resume(returning: admission)
            } else {
                wake()
            }
        }
    }

    private func admitNow(_ upstream: String, at time: Date, orQueue waiter: Waiter? = nil) -> Admission? {
        let (admission, wakes) = state.withLock { state in
            let admission = state.admit(upstream, at: time, policy)
            if let waiter, admission == nil { state.traffic[upstream]?.waiters.append(waiter) }
            guard case .go? = admission, state.wantsHands else { return (admission, false) }
            state.wantsHands = false
            return (admission, true)
        }
        if wakes { wake() }
        return admission
    }

    /// - Returns: The breaker, as it was before closing or is after opening, if the call's end changed that.
    func ended(_ call: Call, _ answer: Breaker.Answer, at time: Date, random: Double) -> Change? {
        guard let upstream = call.upstream else { return nil }
        let (change, resumptions) = state.withLock { state in
            let change = state.judge(upstream, answer, isProbe: call.isProbe, at: time, policy, random)
            state.landed(upstream, isAnswered: answer == .answered, at: time)
            return (change, state.resumptions(of: upstream, at: time, policy))
        }
        for (waiter, admission) in resumptions { waiter.resume(returning: admission) }
        return change
    }

    /// Nobody answered a call that was not let through here.
    func silent(_ upstream: String, _ reason: String, at time: Date, random: Double) -> Change? {
        let (change, resumptions) = state.withLock { state in
            let change = state.judge(upstream, .silent(reason), isProbe: false, at: time, policy, random)
            return (change, state.resumptions(of: upstream, at: time, policy))
        }
        for (waiter, admission) in resumptions { waiter.resume(returning: admission) }
        return change
    }

    /// Why a call has to wait; nil if it need not. Lets no probe through.
    func trouble(at upstream: String?) -> (until: Date, reason: String)? {
        guard let upstream, let breaker = state.withLock({ $0.breakers[upstream] }), breaker.state != .closed else {
            return nil
        }
        return (breaker.nextProbeAt ?? .distantPast, "\(upstream) does not answer: \(breaker.reason ?? "")")
    }

    // MARK: Time

    /// Opens the breakers of upstreams that are silent while calls wait for calls; who waits is held then.
    func openSilent(at time: Date, random: Double) -> [Change] {
        let (changes, resumptions) = state.withLock { state in
            var resumptions: [(Waiter, Admission)] = []
            let changes = state.traffic.keys.sorted().compactMap { upstream -> Change? in
                guard let breaker = state.opened(bySilenceOf: upstream, at: time, policy, random) else { return nil }
                resumptions += state.resumptions(of: upstream, at: time, policy)
                return (breaker, .opened)
            }
            return (changes, resumptions)
        }
        for (waiter, admission) in resumptions { waiter.resume(returning: admission) }
        return changes
    }

    /// What is to be let go at `time`; each is named once.
    func takeReleases(at time: Date) -> [Release] {
        state.withLock { state in
            var releases = state.closed.map { Release(upstream: $0, isProbe: false) }
            state.closed = []
            for name in state.breakers.keys.sorted() {
                guard state.breakers[name]?.nudges(at: time, policy: policy) == true else { continue }
                releases.append(Release(upstream: name, isProbe: true))
            }
            return releases
        }
    }

    /// When ``takeReleases(at:)`` or ``openSilent(at:)`` has something next.
    var nextRelease: Date? {
        state.withLock { state in
            guard state.closed.isEmpty else { return .distantPast }
            let silences = state.traffic.values.filter { !$0.waiters.isEmpty }
                .map { $0.silentSince.adding(policy.silenceLimit).storable }
            return (state.breakers.values.compactMap(\.nudgeAt) + silences).min()
        }
    }
}

extension Breakers.State {
    /// - Returns: Nil if as many calls are in the air as may be.
    fileprivate mutating func admit(
        _ upstream: String, at time: Date, _ policy: BreakerPolicy
    ) -> Breakers.Admission? {
        let isFull = traffic[upstream].map { $0.inAir >= max(policy.callLimit, 1) } ?? false
        switch breakers[upstream]?.admit(at: time, policy: policy) {
        case .hold(let time, let reason)?:
            return .hold(until: time, reason: reason)
        case .go(isProbe: true)?:
            begin(upstream, at: time)
            return .go(Breakers.Call(upstream: upstream, isProbe: true))
        case .go(isProbe: false)?, nil:
            guard !isFull else { return nil }
            begin(upstream, at: time)
            return .go(Breakers.Call(upstream: upstream))
        }
    }

    private mutating func begin(_ upstream: String, at time: Date) {
        inAir += 1
        traffic[upstream, default: Breakers.Traffic(silentSince: time)].inAir += 1
    }

    fileprivate mutating func landed(_ upstream: String, isAnswered: Bool, at time: Date) {
        guard traffic[upstream] != nil else { return }
        inAir -= 1
        traffic[upstream]?.inAir -= 1
        if isAnswered { traffic[upstream]?.silentSince = time }
        if let one = traffic[upstream], one.inAir <= 0, one.waiters.isEmpty { traffic[upstream] = nil }
    }

    fileprivate mutating func judge(
        _ upstream: String, _ answer: Breaker.Answer, isProbe: Bool, at time: Date, _ policy: BreakerPolicy,
        _ random: Double
    ) -> Breakers.Change? {
        guard var breaker = breakers[upstream] ?? answer.troubled(upstream) else { return nil }
        let before = breaker
        let transition = breaker.ended(answer, isProbe: isProbe, at: time, policy: policy, random: random)
        breakers[upstream] = breaker.isUntroubled ? nil : breaker
        if transition == .closed { closed.append(upstream) }
        return transition.map { ($0 == .closed ? before : breaker, $0) }
    }

    /// Those who waited for room and have it now, or are held since nobody answers.
    fileprivate mutating func resumptions(
        of upstream: String, at time: Date, _ policy: BreakerPolicy
    ) -> [(Breakers.Waiter, Breakers.Admission)] {
        var resumptions: [(Breakers.Waiter, Breakers.Admission)] = []
        while traffic[upstream]?.waiters.isEmpty == false, let admission = admit(upstream, at: time, policy),
            let waiter = traffic[upstream]?.waiters.next()
        {
            resumptions.append((waiter, admission))
        }
        if let one = traffic[upstream], one.inAir <= 0, one.waiters.isEmpty { traffic[upstream] = nil }
        return resumptions
    }

    fileprivate mutating func opened(
        bySilenceOf upstream: String, at time: Date, _ policy: BreakerPolicy, _ random: Double
    ) -> Breaker? {
        guard let one = traffic[upstream], !one.waiters.isEmpty, time.since(one.silentSince) >= policy.silenceLimit
        else { return nil }
        var breaker = breakers[upstream] ?? Breaker(upstream)
        let reason = "no answer for \(policy.silenceLimit), with \(one.inAir) calls in the air"
        guard breaker.fellSilent(reason, at: time, policy: policy, random: random) else { return nil }
        breakers[upstream] = breaker
        return breaker
    }
}

extension Breaker.Answer {
    /// A breaker to remember a first failure with.
    fileprivate func troubled(_ upstream: String) -> Breaker? {
        if case .silent = self { Breaker(upstream) } else { nil }
    }
}
