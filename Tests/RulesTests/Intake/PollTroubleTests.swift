import CustomDump
import Testing

@testable import Rules

@Suite struct PollTroubleTests {
    private var trouble = PollTrouble(interval: .seconds(20))

    @Test mutating func `looks that fail come less and less often`() {
        let waits = (1...7).map { _ in trouble.wait(retryAfter: nil, isPartial: false) }
        expectNoDifference(waits, [20, 40, 80, 160, 300, 300, 300].map { .seconds($0) })
    }

    @Test mutating func `a success ends the trouble`() {
        _ = trouble.isNew("down")
        for _ in 1...3 { _ = trouble.wait(retryAfter: nil, isPartial: false) }
        let ends = [trouble.ends(), trouble.ends()]
        expectNoDifference(ends, [true, false])
        let wait = trouble.wait(retryAfter: nil, isPartial: false)
        expectNoDifference(wait, .seconds(20))
    }

    @Test mutating func `the server's wish counts if it is longer`() {
        let waits = [Duration.seconds(600), .seconds(1)].map { trouble.wait(retryAfter: $0, isPartial: false) }
        expectNoDifference(waits, [.seconds(600), .seconds(40)])
    }

    @Test mutating func `one conversation that can't be read slows nothing down`() {
        let waits = (1...3).map { _ in trouble.wait(retryAfter: nil, isPartial: true) }
        expectNoDifference(waits, [.seconds(20), .seconds(20), .seconds(20)])
    }

    @Test mutating func `the same message is new once`() {
        let news = ["a", "a", "b", "a"].map { trouble.isNew($0) }
        expectNoDifference(news, [true, false, true, true])
    }

    @Test func `a long interval is kept`() {
        var slow = PollTrouble(interval: .seconds(3600))
        let waits = (1...3).map { _ in slow.wait(retryAfter: nil, isPartial: false) }
        expectNoDifference(waits, Array(repeating: .seconds(3600), count: 3))
    }
}
