import Conversations
import CustomDump
import Foundation
import Testing

@testable import Rules

@Suite struct QuietHoursTests {
    private func end(_ from: String, _ to: String, _ zone: String, at time: String) throws -> String? {
        let date = try #require(Timestamp(time)).date
        return try QuietHours(from: from, to: to, zone: zone).end(at: date).map { Timestamp($0).description }
    }

    @Test(arguments: [
        ("2025-01-15T21:59:59Z", nil), ("2025-01-15T22:00:00Z", "2025-01-16T07:00:00Z"),
        ("2025-01-16T06:59:59Z", "2025-01-16T07:00:00Z"), ("2025-01-16T07:00:00Z", nil), ("2025-01-15T12:00:00Z", nil),
    ])
    func `hours over midnight end in the morning`(_ time: String, _ expected: String?) throws {
        expectNoDifference(try end("22:00", "07:00", "UTC", at: time), expected)
    }

    @Test func `hours are those of their zone`() throws {
        expectNoDifference(
            try end("21:00", "08:00", "America/New_York", at: "2025-01-15T12:00:00Z"), "2025-01-15T13:00:00Z")
    }

    @Test func `the night in which clocks go forward ends an hour sooner`() throws {
        expectNoDifference(
            try end("22:00", "08:00", "Europe/Berlin", at: "2025-03-29T22:00:00Z"), "2025-03-30T06:00:00Z")
    }

    @Test func `an end that clocks skip comes right after the gap`() throws {
        expectNoDifference(
            try end("22:00", "02:30", "Europe/Berlin", at: "2025-03-29T22:00:00Z"), "2025-03-30T01:00:00Z")
    }

    @Test func `midnight may be written as 24`() throws {
        let hours = try QuietHours(from: "21:30", to: "24:00", zone: "UTC")
        expectNoDifference([hours.from, hours.to], [1290, 0])
        expectNoDifference(hours.endText, "00:00")
    }

    @Test(arguments: [
        ("9", "08:00", "UTC", "policy.quiet_hours.from: \"9\" is no time of day; write it as \"21:00\""),
        ("21:00", "25:00", "UTC", "policy.quiet_hours.to: \"25:00\" is no time of day; write it as \"21:00\""),
        ("08:00", "08:00", "UTC", "policy.quiet_hours.to: is the same as `from`, so the hours would never end"),
        (
            "21:00", "08:00", "Berlin",
            "policy.quiet_hours.zone: \"Berlin\" is no time zone; one is called \"Europe/Berlin\""
        ),
    ])
    func `hours that are written wrong say how to write them`(
        _ from: String, _ to: String, _ zone: String, _ problem: String
    ) {
        let error = #expect(throws: PolicyProblem.self) { try QuietHours(from: from, to: to, zone: zone) }
        expectNoDifference(error?.description, problem)
    }
}
