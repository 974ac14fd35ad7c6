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
        mutating func effect(
            of rule: String = "a", in conversation: String? = "c", from number: String? = "n",
            after seconds: Double = 0,
            again: Bool = false
        ) -> FuseBox.Blown? {
            if !again { position += 1 }
            return box.admit(
                FuseBox.Effect(invocation: "inv_1", position: position), of: rule, conversation: conversation,
                number: number, at: start.addingTimeInterval(seconds))
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
        bench.effect()
        bench.effect()
        #expect(bench.effect(again: true) == nil)
        #expect(bench.effect() != nil)
    }

    @Test func `conversations, rules and numbers are counted apart`() {
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
        bench.effect()
        bench.effect()
        expectNoDifference(bench.effect()?.group, .conversation("c"))
        #expect(bench.effect(in: "d") == nil)
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
