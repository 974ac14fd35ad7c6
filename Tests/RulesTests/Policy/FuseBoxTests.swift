import CustomDump
import Foundation
import Testing

@testable import Rules

@Suite struct FuseBoxTests {
    private static let start = Date(timeIntervalSince1970: 1000)

    /// Effects by their places, so that each is another.
    private struct Bench {
        var box: FuseBox
        var position = 0

        init(_ fuses: Fuses) { box = FuseBox(fuses) }

        @discardableResult
        mutating func verdict(
            of rule: String = "a", to person: String? = "c", from number: String? = "n", after seconds: Double = 0,
            again: Bool = false, wasHeld: Bool = false, isCatchingUp: Bool = false
        ) -> FuseBox.Verdict {
            if !again { position += 1 }
            return verdict(
                at: position, of: rule, to: person, from: number, after: seconds, wasHeld: wasHeld,
                isCatchingUp: isCatchingUp)
        }

        @discardableResult
        mutating func verdict(
            at position: Int, of rule: String = "a", to person: String? = "c", from number: String? = "n",
            after seconds: Double = 0, wasHeld: Bool = false, isCatchingUp: Bool = false, run: String = "inv_1"
        ) -> FuseBox.Verdict {
            box.admit(
                FuseBox.Request(
                    effect: FuseBox.Effect(invocation: run, position: position), rule: rule,
                    person: person.map { FuseBox.Person(participant: $0, number: number) }, number: number,
                    wasHeld: wasHeld, isCatchingUp: isCatchingUp), at: start.addingTimeInterval(seconds))
        }

        /// The fuse that it blew, if it did.
        @discardableResult
        mutating func effect(
            of rule: String = "a", in person: String? = "c", from number: String? = "n", after seconds: Double = 0,
            again: Bool = false
        ) -> FuseBox.Blown? {
            if case .blown(let blown) = verdict(of: rule, to: person, from: number, after: seconds, again: again) {
                return blown
            }
            return nil
        }
    }

    private static let two = FuseRate(2, per: .seconds(60))

    private static func fuses(conversation: FuseRate? = nil, rule: FuseRate? = nil, number: FuseRate? = nil) -> Fuses {
        Fuses(conversation: conversation, rule: rule, number: number, stops: two)
    }

    @Test func `one more than the rate within its time blows the fuse`() {
        var bench = Bench(Self.fuses(rule: Self.two))
        #expect(bench.effect() == nil)
        #expect(bench.effect(after: 30) == nil)
        let blown = bench.effect(after: 59.9)
        expectNoDifference(blown, FuseBox.Blown(group: .rule("a"), rate: Self.two, rule: "a"))
        expectNoDifference(
            blown?.reason, "fuse: more than 2/1m sends and reactions by this rule (policy.fuses.rule)")
    }

    @Test func `the window slides`() {
        var bench = Bench(Self.fuses(rule: Self.two))
        let blown = [0, 30, 60, 90, 119].map { bench.effect(after: $0)?.rule }
        expectNoDifference(blown, [nil, nil, nil, nil, "a"])
    }

    @Test func `an effect that is tried again counts once`() {
        var bench = Bench(Self.fuses(conversation: Self.two))
        bench.verdict()
        bench.verdict()
        expectNoDifference(bench.verdict(again: true), .pass)
        expectNoDifference(bench.verdict().isStop, true)
    }

    @Test func `an effect that is tried again counts from then on`() {
        var bench = Bench(Self.fuses(rule: Self.two))
        bench.verdict(at: 1)
        bench.verdict(at: 2, after: 30)
        expectNoDifference(bench.verdict(at: 1, after: 50), .pass)
        expectNoDifference(bench.verdict(at: 3, after: 89, wasHeld: true).turn, Self.start.addingTimeInterval(90))
        expectNoDifference(bench.verdict(at: 4, after: 91), .pass)
        #expect(bench.verdict(at: 5, after: 92).isBlown)
    }

    @Test func `people, rules and numbers are counted apart`() {
        var bench = Bench(
            Self.fuses(
                conversation: Self.two, rule: FuseRate(4, per: .seconds(60)), number: FuseRate(5, per: .seconds(60))))
        for conversation in ["c", "c", "d", "d"] { #expect(bench.effect(in: conversation) == nil) }
        expectNoDifference(bench.effect(in: "e")?.group, .rule("a"))
        #expect(bench.effect(of: "b", in: "e") == nil)
        expectNoDifference(bench.effect(of: "b", in: "f")?.group, .number("n"))
    }

    @Test func `the rule with the most effects is to blame, and the others go on`() {
        var bench = Bench(Self.fuses(number: FuseRate(3, per: .seconds(60))))
        bench.effect(of: "loud", in: "c")
        bench.effect(of: "loud", in: "d")
        bench.effect(of: "quiet", in: "e")
        let blown = bench.effect(of: "quiet", in: "f")
        expectNoDifference(blown?.rule, "quiet", "two each: the one at hand")
        bench = Bench(Self.fuses(number: FuseRate(3, per: .seconds(60))))
        for _ in 1...3 { bench.effect(of: "loud") }
        expectNoDifference(bench.effect(of: "quiet")?.rule, "loud")
        #expect(bench.effect(of: "quiet", again: true) == nil)
    }

    @Test func `after it blew a fuse starts anew`() {
        var bench = Bench(Self.fuses(rule: Self.two))
        let blown = (1...6).map { _ in bench.effect()?.rule }
        expectNoDifference(blown, [nil, nil, "a", nil, nil, "a"])
    }

    @Test func `what blew a fuse counts nowhere`() {
        var bench = Bench(Self.fuses(conversation: Self.two, rule: FuseRate(3, per: .seconds(60))))
        bench.verdict()
        bench.verdict()
        expectNoDifference(bench.verdict().isStop, true)
        expectNoDifference(bench.verdict(to: "d"), .pass)
    }

    // MARK: People

    private func stop(_ times: Int, until seconds: Double, of rule: String = "a", isNew: Bool = false)
        -> FuseBox.Verdict
    {
        .stopped(
            FuseBox.Stop(
                rule: rule, person: FuseBox.Person(participant: "c", number: "n"), rate: Self.two,
                until: Self.start.addingTimeInterval(seconds), times: times, isNew: isNew))
    }

    @Test func `who is sent too much is sent nothing until the window has passed, then twice as long`() {
        var bench = Bench(Self.fuses(conversation: Self.two))
        let verdicts = [0, 0, 1, 30, 60.9].map { bench.verdict(after: $0) }
        expectNoDifference(
            verdicts, [.pass, .pass, stop(1, until: 61, isNew: true), stop(1, until: 61), stop(1, until: 61)])
        let again = [61, 61, 62, 181.9].map { bench.verdict(after: $0) }
        expectNoDifference(again, [.pass, .pass, stop(2, until: 182, isNew: true), stop(2, until: 182)])
        expectNoDifference(bench.box.activeStops(at: Self.start.addingTimeInterval(100)).map(\.times), [2])
        expectNoDifference(bench.verdict(after: 182), .pass)
    }

    @Test func `a stop is a day at most, and forgotten after a day`() {
        var bench = Bench(Self.fuses(conversation: Self.two))
        var time = 0.0
        var lengths: [Double] = []
        for _ in 1...14 {
            for _ in 1...2 { bench.verdict(after: time) }
            guard case .stopped(let stop) = bench.verdict(after: time) else { break }
            lengths.append(stop.until.timeIntervalSince(Self.start) - time)
            time += lengths.last ?? 0
        }
        expectNoDifference(Array(lengths.prefix(4)), [60, 120, 240, 480])
        expectNoDifference(lengths.suffix(3), [86400, 86400, 86400])
        time += 86_401
        for _ in 1...2 { bench.verdict(after: time) }
        guard case .stopped(let stop) = bench.verdict(after: time) else {
            Issue.record("not stopped")
            return
        }
        expectNoDifference(stop.times, 1)
    }

    @Test func `others, and other rules, are not concerned`() {
        var bench = Bench(Self.fuses(conversation: Self.two))
        for _ in 1...3 { bench.verdict() }
        expectNoDifference(bench.verdict(to: "d"), .pass)
        expectNoDifference(bench.verdict(of: "b"), .pass)
    }

    @Test func `the rule with the most effects is stopped, which is told, and the one at hand passes`() {
        var bench = Bench(Self.fuses(conversation: Self.two))
        for _ in 1...2 { bench.verdict(of: "loud") }
        guard case .stopped(let loud) = stop(1, until: 60, of: "loud", isNew: true) else { return }
        expectNoDifference(bench.verdict(of: "quiet"), .othersStopped(loud))
        expectNoDifference(bench.verdict(of: "quiet", again: true), .pass)
        expectNoDifference(bench.verdict(of: "loud"), stop(1, until: 60, of: "loud"))
    }

    // MARK: Catching up

    @Test func `what was held up blows no fuse: it has its turn within the rate, and some of it is left for others`() {
        var bench = Bench(Self.fuses(rule: FuseRate(10, per: .seconds(60))))
        let verdicts = (1...30).map { _ in bench.verdict(wasHeld: true) }
        expectNoDifference(verdicts.filter { $0 == .pass }.count, 9)
        let turns = verdicts.compactMap(\.turn).map { $0.timeIntervalSince(Self.start) }
        expectNoDifference(turns.count, 21)
        expectNoDifference(turns, turns.sorted())
        expectNoDifference([turns.first, turns.last], [60, 60 + (20 * 60.0 / 9).rounded(.up)])
        expectNoDifference(bench.verdict(), .pass, "what comes now")
    }

    @Test func `over all windows no more than the rate pass`() {
        var bench = Bench(Self.fuses(rule: FuseRate(10, per: .seconds(60))))
        var open = (1...100).map { ($0, 0.0) }
        var passed: [Double] = []
        while let next = open.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) {
            open.removeAll { $0.0 == next.0 }
            switch bench.verdict(at: next.0, to: "p\(next.0)", after: next.1, wasHeld: true) {
            case .pass: passed.append(next.1)
            case .wait(let until, _, _): open.append((next.0, until.timeIntervalSince(Self.start)))
            case let other: Issue.record("\(other)")
            }
        }
        expectNoDifference(passed.count, 100)
        for start in passed { #expect(passed.count { $0 >= start && $0 < start + 60 } <= 9) }
        #expect((passed.last ?? 0) < 60 * 12)
    }

    @Test func `what comes now beside it waits too if there is no room, and blows the fuse only by itself`() {
        var bench = Bench(Self.fuses(rule: FuseRate(10, per: .seconds(60))))
        for _ in 1...9 { bench.verdict(wasHeld: true) }
        expectNoDifference(bench.verdict(), .pass)
        #expect(bench.verdict().turn != nil)
        var fresh = Bench(Self.fuses(rule: FuseRate(10, per: .seconds(60))))
        for _ in 1...10 { fresh.verdict() }
        expectNoDifference(fresh.effect()?.rule, "a")
    }

    @Test func `a rule that runs wild in a run that began late is stopped for its person all the same`() {
        var bench = Bench(Self.fuses(conversation: FuseRate(10, per: .seconds(60))))
        var time = 0.0
        var stopped = false
        for position in 1...40 where !stopped {
            var verdict = bench.verdict(at: position, after: time, isCatchingUp: true)
            while let turn = verdict.turn {
                time = turn.timeIntervalSince(Self.start)
                verdict = bench.verdict(at: position, after: time, isCatchingUp: true)
            }
            stopped = verdict.isStop
        }
        #expect(stopped)
    }

    @Test func `a clock that is set back empties the window`() {
        var bench = Bench(Self.fuses(rule: Self.two))
        bench.effect(after: 3600)
        bench.effect(after: 3600)
        #expect(bench.effect() == nil)
    }

    @Test func `runs that are stopped are counted by rule`() {
        var box = FuseBox(Self.fuses())
        let blown = ["i1", "i1", "i2", "i3"].map { box.stopped($0, of: "a", at: Self.start)?.group }
        expectNoDifference(blown, [nil, nil, nil, .stops(rule: "a")])
        #expect(box.stopped("i4", of: "b", at: Self.start) == nil)
    }

    @Test func `no fuse, no limit`() {
        var bench = Bench(.none)
        for _ in 1...10_000 { #expect(bench.effect() == nil) }
    }

    @Test(arguments: ["20/1m", "1/1s", "600/1h30m"])
    func `a rate is written as a number and a time`(_ text: String) throws {
        expectNoDifference(try FuseRate(text, key: "fuses.rule").description, text)
    }

    @Test(arguments: ["20", "0/1m", "20/", "/1m", "20/0s", "x/1m", "20/1m/2", "-1/1m", "20/minute"])
    func `a rate that is written wrong says how to write it`(_ text: String) {
        let error = #expect(throws: PolicyProblem.self) { try FuseRate(text, key: "fuses.rule") }
        expectNoDifference(
            error?.description,
            "policy.fuses.rule: \"\(text)\" is no rate; write a number and a time, as in \"20/1m\"")
    }
}

extension FuseBox.Verdict {
    fileprivate var isStop: Bool { if case .stopped = self { true } else { false } }

    fileprivate var isBlown: Bool { if case .blown = self { true } else { false } }

    fileprivate var turn: Date? { if case .wait(let until, _, _) = self { until } else { nil } }
}
