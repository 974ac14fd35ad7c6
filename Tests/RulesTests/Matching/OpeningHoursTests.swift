import Conversations
import Foundation
import Testing

@testable import Rules

@Suite struct OpeningHoursTests {
    private func hours(_ from: String, _ to: String, _ zone: String = "UTC", days: Set<Int> = Set(1...7)) throws
        -> OpeningHours
    {
        OpeningHours(
            from: try #require(OpeningHours.minutes(from)), to: try #require(OpeningHours.minutes(to)),
            zone: try #require(TimeZone(identifier: zone)), days: days)
    }

    private func date(_ text: String) throws -> Date { try #require(Timestamp(text)).date }

    @Test(arguments: [
        ("2025-01-15T08:59:59Z", false), ("2025-01-15T09:00:00Z", true), ("2025-01-15T17:29:59Z", true),
        ("2025-01-15T17:30:00Z", false),
    ])
    func `the beginning is within, the end is not`(_ time: String, _ isWithin: Bool) throws {
        #expect(try hours("09:00", "17:30").contain(date(time)) == isWithin)
    }

    @Test(arguments: [
        ("2025-01-15T21:59:00Z", false), ("2025-01-15T22:00:00Z", true), ("2025-01-16T05:59:00Z", true),
        ("2025-01-16T06:00:00Z", false),
    ])
    func `a span may run over midnight`(_ time: String, _ isWithin: Bool) throws {
        #expect(try hours("22:00", "06:00").contain(date(time)) == isWithin)
    }

    /// 2025-01-17 is a Friday, weekday 6.
    @Test(arguments: [
        ("2025-01-17T23:00:00Z", true), ("2025-01-18T05:00:00Z", true), ("2025-01-17T05:00:00Z", false),
        ("2025-01-18T23:00:00Z", false),
    ])
    func `a span over midnight belongs to the day it began on`(_ time: String, _ isWithin: Bool) throws {
        #expect(try hours("22:00", "06:00", days: [6]).contain(date(time)) == isWithin)
    }

    @Test func `the night from Saturday to Sunday goes round the week`() throws {
        let night = try hours("22:00", "06:00", days: [7])
        #expect(try night.contain(date("2025-01-19T01:00:00Z")))
        #expect(try !night.contain(date("2025-01-20T01:00:00Z")))
    }

    /// Clocks in Berlin went forward at 01:00 UTC on 2025-03-30, and back at 01:00 UTC on 2025-10-26.
    @Test(arguments: [
        ("2025-03-29T08:00:00Z", true), ("2025-03-29T07:59:00Z", false), ("2025-03-30T07:00:00Z", true),
        ("2025-03-30T06:59:00Z", false), ("2025-10-25T07:00:00Z", true), ("2025-10-26T07:59:00Z", false),
        ("2025-10-26T08:00:00Z", true),
    ])
    func `hours keep to the wall clock when it is put forward or back`(_ time: String, _ isWithin: Bool) throws {
        #expect(try hours("09:00", "17:00", "Europe/Berlin").contain(date(time)) == isWithin)
    }

    /// 00:30 UTC and 01:30 UTC are both 02:30 in Berlin that night.
    @Test(arguments: ["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z"])
    func `an hour that comes twice is within both times`(_ time: String) throws {
        #expect(try hours("02:00", "03:00", "Europe/Berlin").contain(date(time)))
    }

    @Test func `equal ends are the whole day, and 24:00 is its end`() throws {
        for time in ["2025-01-15T00:00:00Z", "2025-01-15T23:59:59Z"] {
            #expect(try hours("00:00", "24:00").contain(date(time)))
            #expect(try hours("09:00", "09:00").contain(date(time)))
        }
    }

    @Test(arguments: [("00:00", 0), ("9:05", 545), ("23:59", 1439), ("24:00", 1440)])
    func `a time of day is hours and minutes`(_ text: String, _ minutes: Int) {
        #expect(OpeningHours.minutes(text) == minutes)
    }

    @Test(arguments: [
        "", "9", "09:60", "24:01", "25:00", "09:5", "09:005", "-1:00", "09:00:00", "nine", "09.00", "+9:00",
    ])
    func `anything else is none`(_ text: String) {
        #expect(OpeningHours.minutes(text) == nil)
    }
}
