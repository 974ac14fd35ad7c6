import Foundation
import Synchronization

/// The circuit breakers of all upstreams that gave trouble.
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

    private struct State {
        var breakers: [String: Breaker] = [:]
        var closed: [String] = []
    }

    private let policy: BreakerPolicy
    private let state = Mutex(State())

    init(_ policy: BreakerPolicy) { self.policy = policy }

    /// By name.
    var all: [Breaker] { state.withLock { $0.breakers.values.sorted { $0.upstream < $1.upstream } } }

    func admit(_ upstream: String?, at time: Date) -> Admission {
        guard let upstream else { return .go(Call()) }
        let admission = state.withLock { $0.breakers[upstream]?.admit(at: time, policy: policy) }
        switch admission {
        case .go(let isProbe)?: return .go(Call(upstream: upstream, isProbe: isProbe))
        case .hold(let time, let reason)?: return .hold(until: time, reason: reason)
        case nil: return .go(Call(upstream: upstream))
        }
    }

    /// - Returns: The breaker, as it was before closing or is after opening, if the call's end changed that.
    func ended(_ call: Call, _ answer: Breaker.Answer, at time: Date, random: Double) -> (Breaker, Breaker.Transition)?
    {
        guard let upstream = call.upstream else { return nil }
        return state.withLock { state in
            guard var breaker = state.breakers[upstream] ?? answer.troubled(upstream) else { return nil }
            let before = breaker
            let transition = breaker.ended(answer, isProbe: call.isProbe, at: time, policy: policy, random: random)
            state.breakers[upstream] = breaker.isUntroubled ? nil : breaker
            if transition == .closed { state.closed.append(upstream) }
            return transition.map { ($0 == .closed ? before : breaker, $0) }
        }
    }

    /// Why a call has to wait; nil if it need not. Lets no probe through.
    func trouble(at upstream: String?) -> (until: Date, reason: String)? {
        guard let upstream, let breaker = state.withLock({ $0.breakers[upstream] }), breaker.state != .closed else {
            return nil
        }
        return (breaker.nextProbeAt ?? .distantPast, "\(upstream) does not answer: \(breaker.reason ?? "")")
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

    /// When ``takeReleases(at:)`` has something next.
    var nextRelease: Date? {
        state.withLock { state in
            state.closed.isEmpty ? state.breakers.values.compactMap(\.nudgeAt).min() : .distantPast
        }
    }
}

extension Breaker.Answer {
    /// A breaker to remember a first failure with.
    fileprivate func troubled(_ upstream: String) -> Breaker? {
        if case .silent = self { Breaker(upstream) } else { nil }
    }
}
