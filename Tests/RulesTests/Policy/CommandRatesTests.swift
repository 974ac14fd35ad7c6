import CustomDump
import Foundation
import Testing

@testable import Rules

@Suite struct CommandRatesTests {
    private static let start = Date(timeIntervalSince1970: 1000)

    private func rates(_ rate: FuseRate?) -> CommandRates {
        CommandRates(
            Fuses(
                conversation: nil, rule: nil, number: nil, stops: nil, metadata: rate, reads: rate, typing: rate,
                broadcasts: rate))
    }

    /// How many of `count` commands pass, evenly spread over `seconds`.
    private func passed(_ rates: inout CommandRates, _ count: Int, over seconds: Double, from: Double = 0) -> Int {
        (0..<count).count { number in
            let time = Self.start.addingTimeInterval(from + seconds * Double(number) / Double(count))
            return rates.admit(.reads, of: "a", at: time) == .pass
        }
    }

    @Test(arguments: CommandRates.Kind.allCases)
    func `one too many is refused, and the reason names the setting`(kind: CommandRates.Kind) {
        var rates = rates(FuseRate(3, per: .seconds(60)))
        let passed = (0..<3).count { _ in rates.admit(kind, of: "a", at: Self.start) == .pass }
        expectNoDifference(passed, 3)
        let other = rates.admit(kind, of: "b", at: Self.start)
        expectNoDifference(other, .pass)
        let refused = rates.admit(kind, of: "a", at: Self.start)
        guard case .blown(let reason) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(reason.contains("more than 3/1m"))
        #expect(reason.contains("policy.fuses.\(kind.rawValue)"))
        let next = rates.admit(kind, of: "a", at: Self.start)
        expectNoDifference(next, .pass)
    }

    @Test func `a rate is kept for ever, and one a little above it is not`() {
        var slow = rates(FuseRate(60, per: .seconds(60)))
        expectNoDifference(passed(&slow, 590, over: 600), 590)
        var fast = rates(FuseRate(60, per: .seconds(60)))
        let count = passed(&fast, 800, over: 600)
        #expect(count < 800)
    }

    @Test func `what was counted is forgotten after twice the time, and when the clock is set back`() {
        var rates = rates(FuseRate(10, per: .seconds(60)))
        expectNoDifference(passed(&rates, 10, over: 1), 10)
        expectNoDifference(passed(&rates, 10, over: 1, from: 121), 10)
        expectNoDifference(passed(&rates, 10, over: 1, from: -500), 10)
    }

    @Test func `what was held up has one turn after the other, and starts nothing anew`() {
        var rates = rates(FuseRate(6, per: .seconds(60)))
        expectNoDifference(passed(&rates, 6, over: 0), 6)
        let late = (1...3).map { _ in rates.admit(.reads, of: "a", at: Self.start, isLate: true) }
        let turns = late.map { verdict in
            if case .wait(let until, _) = verdict { until.timeIntervalSince(Self.start) } else { -1.0 }
        }
        expectNoDifference(turns, [10, 20, 30])
        guard case .blown = rates.admit(.reads, of: "a", at: Self.start) else {
            Issue.record("it passed")
            return
        }
    }

    @Test func `without a rate nothing is counted`() {
        var rates = rates(nil)
        expectNoDifference(passed(&rates, 1000, over: 1), 1000)
    }
}
