import CustomDump
import Foundation
import Testing

@testable import DurableExecution

@Suite struct BreakerTests {
    let start = Date(timeIntervalSince1970: 1_736_942_400)
    let policy = BreakerPolicy()

    /// A breaker that has just opened, its first probe due after 5 s.
    func openBreaker() -> Breaker {
        var breaker = Breaker("api")
        for _ in 0..<policy.failureLimit { _ = end(&breaker, .silent("refused"), 0) }
        return breaker
    }

    func end(
        _ breaker: inout Breaker, _ answer: Breaker.Answer, _ time: TimeInterval, isProbe: Bool = false
    ) -> Breaker.Transition? {
        breaker.ended(answer, isProbe: isProbe, at: start + time, policy: policy, random: 1)
    }

    @Test func `it opens after so many failures in a row, and an answer between them starts the count anew`() {
        var breaker = Breaker("api")
        for _ in 0..<4 { #expect(end(&breaker, .silent("refused"), 0) == nil) }
        #expect(end(&breaker, .answered, 0) == nil)
        for _ in 0..<4 { #expect(end(&breaker, .silent("refused"), 0) == nil) }
        #expect(breaker.admit(at: start, policy: policy) == .go(isProbe: false))
        #expect(end(&breaker, .silent("refused"), 0) == .opened)
        #expect(breaker.state == .open && breaker.openedAt == start && breaker.reason == "refused")
    }

    @Test func `while it is open calls wait, then one goes as a probe`() {
        var breaker = openBreaker()
        guard case .hold(let until, let reason) = breaker.admit(at: start + 4.9, policy: policy) else {
            return #expect(Bool(false), "not held")
        }
        #expect(until == start + 5 && reason.contains("refused"))
        #expect(breaker.admit(at: start + 5, policy: policy) == .go(isProbe: true))
        guard case .hold = breaker.admit(at: start + 5, policy: policy) else {
            return #expect(Bool(false), "a second probe")
        }
    }

    @Test(arguments: [(1, 15.0), (2, 35), (3, 75)])
    func `the time between probes grows`(failures: Int, next: TimeInterval) {
        var breaker = openBreaker()
        var time = 5.0
        for _ in 0..<failures {
            #expect(breaker.admit(at: start + time, policy: policy) == .go(isProbe: true))
            #expect(end(&breaker, .silent("refused"), time, isProbe: true) == nil)
            time = breaker.nextProbeAt?.timeIntervalSince(start) ?? 0
        }
        #expect(time == next)
    }

    @Test func `the time between probes has a bound, and jitter`() {
        #expect(policy.delay(afterProbes: 50, random: 1) == .seconds(300))
        #expect(policy.delay(afterProbes: 50, random: 0) == .seconds(150))
    }

    @Test func `an answer closes it, whoever got it`() {
        var breaker = openBreaker()
        #expect(end(&breaker, .answered, 1) == .closed)
        #expect(breaker.isUntroubled)
    }

    @Test func `a call from before it opened that fails later says nothing new`() {
        var breaker = openBreaker()
        let before = breaker
        #expect(end(&breaker, .silent("refused"), 3) == nil)
        expectNoDifference(breaker, before)
    }

    @Test func `a probe that was not made lets the next call be one`() {
        var breaker = openBreaker()
        _ = breaker.admit(at: start + 5, policy: policy)
        #expect(end(&breaker, .none, 5, isProbe: true) == nil)
        #expect(breaker.admit(at: start + 5, policy: policy) == .go(isProbe: true))
    }

    @Test func `somebody is let go at the probe time, and again if no probe came of it`() {
        var breaker = openBreaker()
        let nudges = [4.0, 5, 6, 10].map { breaker.nudges(at: start + $0, policy: policy) }
        #expect(nudges == [false, true, false, true])
    }

    @Test func `calls that wait for others to end are held once nobody has answered for long`() async {
        var policy = policy
        policy.callLimit = 2
        let breakers = Breakers(policy)
        for _ in 0..<2 {
            guard case .go = await breakers.admit("api", at: start) else { return #expect(Bool(false), "held") }
        }
        #expect(breakers.handsLent(wantsMore: false) == 2)
        async let third = breakers.admit("api", at: start)
        while breakers.nextRelease == nil { await Task.yield() }
        #expect(breakers.nextRelease == start + 2)
        #expect(breakers.openSilent(at: start + 1.9, random: 1).isEmpty)
        #expect(breakers.openSilent(at: start + 2, random: 1).map(\.transition) == [.opened])
        guard case .hold(_, let reason) = await third else { return #expect(Bool(false), "not held") }
        #expect(reason.contains("2 calls in the air"))
    }

    @Test func `an answer lets the next call through, and starts the silence anew`() async {
        var policy = policy
        policy.callLimit = 1
        let breakers = Breakers(policy)
        guard case .go(let first) = await breakers.admit("api", at: start) else {
            return #expect(Bool(false), "held")
        }
        async let second = breakers.admit("api", at: start)
        async let third = breakers.admit("api", at: start)
        while breakers.waiting != 2 { await Task.yield() }
        _ = breakers.ended(first, .answered, at: start + 1.5, random: 1)
        #expect(breakers.handsLent(wantsMore: false) == 1)
        #expect(breakers.openSilent(at: start + 3, random: 1).isEmpty)
        #expect(breakers.openSilent(at: start + 3.5, random: 1).count == 1)
        let admissions = await [second, third]
        let held = admissions.filter { if case .hold = $0 { true } else { false } }
        #expect(held.count == 1)
    }

    @Test func `upstreams that answer are not remembered`() {
        let breakers = Breakers(policy)
        _ = breakers.ended(Breakers.Call(upstream: "api"), .answered, at: start, random: 1)
        #expect(breakers.all.isEmpty)
        _ = breakers.ended(Breakers.Call(upstream: "api"), .silent("refused"), at: start, random: 1)
        #expect(breakers.all.map(\.failures) == [1])
        _ = breakers.ended(Breakers.Call(upstream: "api"), .answered, at: start, random: 1)
        #expect(breakers.all.isEmpty)
    }
}
