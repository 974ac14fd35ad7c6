import Conversations
import CustomDump
import Foundation
import Testing

@testable import AgentPhoneClient

@Suite struct RetryAfterTests {
    /// 2025-01-15, 12:00:00 UTC.
    private let now = Date(timeIntervalSince1970: 1_736_942_400)

    @Test(
        arguments: [
            ("0", 0), ("12", 12), (" 12 ", 12), ("007", 7), ("86400", 86_400), ("86401", 86_400),
            ("99999999999999999999", 86_400), ("Wed, 15 Jan 2025 12:01:30 GMT", 90),
            ("Wed, 15 Jan 2025 11:00:00 GMT", 0),
            ("Wednesday, 15-Jan-25 12:01:30 GMT", 90), ("Wed Jan 15 12:01:30 2025", 90),
            ("Thu, 15 Jan 2026 12:00:00 GMT", 86_400), ("", nil), ("-1", nil), ("soon", nil), ("1.5", nil), ("１２", nil),
            ("Wed, 15 Jan 2025 12:01:30 CET", nil), ("Wed, 32 Jan 2025 12:01:30 GMT", nil),
            ("Wed, 15 Foo 2025 12:01:30 GMT", nil), ("Wed, 15 Jan 2025", nil), ("2025-01-15T12:01:30Z", nil),
        ] as [(String, Int?)])
    func `a number of seconds and the three forms of a date are read`(text: String, seconds: Int?) {
        expectNoDifference(RetryAfter.duration(text, now: now), seconds.map { .seconds($0) })
    }

    @Test func `a date with fewer digits is read`() {
        expectNoDifference(
            RetryAfter.date("Sun Nov  6 08:49:37 1994"), Date(timeIntervalSince1970: 784_111_777))
    }

    @Test func `a date counts from the client's time`() async throws {
        let reply = StandInServer.Reply(status: 503, headers: ["retry-after": "Wed, 15 Jan 2025 12:00:05 GMT"])
        try await StandInServer.run(reply) { _, client in
            let error = await #expect(throws: APIError.self) { try await client.webhook() }
            expectNoDifference(error?.retryAfter, .seconds(5))
        }
    }
}
