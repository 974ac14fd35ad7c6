import CustomDump
import Foundation
import Testing

@testable import Rules

@Suite struct RefusalLogTests {
    private let start = Date(timeIntervalSince1970: 1_736_942_400)

    @Test func `of each reason one line a minute is written, which says for how many it stands`() {
        let log = RefusalLog()
        expectNoDifference(log.count("stale", at: start), 1)
        for second in 1..<60 { #expect(log.count("stale", at: start + Double(second)) == nil) }
        expectNoDifference(log.count("mismatch", at: start + 30), 1)
        expectNoDifference(log.count("stale", at: start + 60), 60)
        #expect(log.count("stale", at: start + 61) == nil)
    }

    @Test func `a clock that was set back does not silence it`() {
        let log = RefusalLog()
        _ = log.count("stale", at: start)
        expectNoDifference(log.count("stale", at: start - 3600), 1)
    }

    @Test(arguments: [
        ("del_1", "del_1"), ("\u{9b}31m\u{202e}x\n", "\\u{9b}31m\\u{202e}x\\u{a}"),
        (String(repeating: "x", count: 65), String(repeating: "x", count: 64) + "..."),
        (String(repeating: "x", count: 64), String(repeating: "x", count: 64)),
    ])
    func `what comes from outside is printed short and in plain ASCII`(text: String, excerpt: String) {
        expectNoDifference(RefusalLog.excerpt(text), excerpt)
    }
}
