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
            return rates.admit(.reads, of: "a", at: time) == nil
        }
    }

    @Test(arguments: CommandRates.Kind.allCases)
    func `one too many is refused, and the reason names the setting`(kind: CommandRates.Kind) throws {
        var rates = rates(FuseRate(3, per: .seconds(60)))
        let passed = (0..<3).count { _ in rates.admit(kind, of: "a", at: Self.start) == nil }
        expectNoDifference(passed, 3)
        let other = rates.admit(kind, of: "b", at: Self.start)
        expectNoDifference(other, nil)
        let refused = rates.admit(kind, of: "a", at: Self.start)
        let reason = try #require(refused)
        #expect(reason.contains("more than 3/1m"))
        #expect(reason.contains("policy.fuses.\(kind.rawValue)"))
        let next = rates.admit(kind, of: "a", at: Self.start)
        expectNoDifference(next, nil)
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

    @Test func `without a rate nothing is counted`() {
        var rates = rates(nil)
        expectNoDifference(passed(&rates, 1000, over: 1), 1000)
    }
}
