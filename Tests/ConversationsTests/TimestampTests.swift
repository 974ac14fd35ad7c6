import Conversations
import CustomDump
import Foundation
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("2025-01-15T12:00:00Z", 1_736_942_400_000_000),
            ("2025-01-15t12:00:00z", 1_736_942_400_000_000),
            ("2025-01-15 12:00:00Z", 1_736_942_400_000_000),
            ("2025-01-15T12:00:00", 1_736_942_400_000_000),
            ("2025-01-15T12:00", 1_736_942_400_000_000),
            ("2025-01-15T12:00:00.5Z", 1_736_942_400_500_000),
            ("2025-01-15T12:00:00,5Z", 1_736_942_400_500_000),
            ("2025-01-15T12:00:00.123456Z", 1_736_942_400_123_456),
            ("2025-01-15T12:00:00.123456999Z", 1_736_942_400_123_456),
            ("2025-01-15T13:00:00+01:00", 1_736_942_400_000_000),
            ("2025-01-15T13:00:00+0100", 1_736_942_400_000_000),
            ("2025-01-15T13:00:00+01", 1_736_942_400_000_000),
            ("2025-01-15T06:30:00.25-05:30", 1_736_942_400_250_000),
            ("2025-01-15T12:00:00-00:00", 1_736_942_400_000_000),
            ("2025-01-15", 1_736_899_200_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
        ] as [(String, Int64)])
    func `reads the forms of ISO 8601 that servers write`(text: String, microseconds: Int64) throws {
        expectNoDifference(Timestamp(text), Timestamp(microseconds: microseconds))
    }

    @Test(arguments: [
        "", "now", "2025", "2025-01", "2025-1-15T12:00:00Z", "2025-01-15T", "2025-01-15T12", "2025-01-15T12:0:00Z",
        "2025-01-15T24:00:00Z", "2025-01-15T12:60:00Z", "2025-01-15T12:00:61Z", "2025-01-15T12:00:00.Z",
        "2025-01-15T12:00:00ZZ", "2025-01-15T12:00:00 01:00", "2025-01-15T12:00:00+24:00", "2025-01-15T12:00:00+1",
        "2025-00-10T00:00:00Z", "2025-13-10T00:00:00Z", "2025-01-00T00:00:00Z", "2025-01-32T00:00:00Z",
        "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2025-04-31T00:00:00Z", "2025-02-30T00:00:60Z",
        " 2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z ", "+2025-01-15T12:00:00Z", "２０２５-01-15T12:00:00Z",
        "1736942400",
    ])
    func `refuses what is no timestamp`(text: String) {
        expectNoDifference(Timestamp(text), nil)
    }

    @Test(
        arguments: [
            (1_736_942_400_000_000, "2025-01-15T12:00:00Z"),
            (1_736_942_400_500_000, "2025-01-15T12:00:00.500Z"),
            (1_736_942_400_000_001, "2025-01-15T12:00:00.000001Z"),
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
            (-12_219_292_800_000_001, "1582-10-14T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func `is written in UTC with no more digits than it needs`(microseconds: Int64, text: String) {
        expectNoDifference(Timestamp(microseconds: microseconds).description, text)
    }

    @Test func `every day of four centuries is read back as it was written`() {
        for day in stride(from: Int64(-135_140), through: 10_957, by: 1) {
            let value = Timestamp(microseconds: day * 86_400_000_000 + 43_200_000_001)
            guard Timestamp(value.description) != value else { continue }
            Issue.record("\(value.microseconds) is written as \(value)")
        }
    }

    @Test func `agrees with Foundation's calendar since its Gregorian days began`() {
        for year in 1583...2400 {
            for (month, day) in [(1, 1), (2, 28), (3, 1), (12, 31)] {
                let text = String(format: "%04d-%02d-%02dT00:00:00Z", year, month, day)
                let expected = try? Date(text, strategy: .iso8601)
                guard Timestamp(text)?.date != expected else { continue }
                Issue.record("\(text) differs")
            }
        }
    }

    @Test func `the widest values are written without a trap`() {
        expectNoDifference(Timestamp(microseconds: .max).description, "294247-01-10T04:00:54.775807Z")
        expectNoDifference(Timestamp(microseconds: .min).description, "-290308-12-21T19:59:05.224192Z")
    }

    @Test func `a step past the end stops at the end`() {
        let moment = Timestamp(microseconds: 1)
        expectNoDifference(moment.advanced(by: .seconds(-2)), Timestamp(microseconds: -1_999_999))
        expectNoDifference(moment.advanced(by: .microseconds(5)), Timestamp(microseconds: 6))
        expectNoDifference(moment.advanced(by: .seconds(Int64.max)), Timestamp(microseconds: .max))
        expectNoDifference(moment.advanced(by: .seconds(Int64.min)), Timestamp(microseconds: .min))
        expectNoDifference(Timestamp(microseconds: .max).advanced(by: .microseconds(1)), Timestamp(microseconds: .max))
    }

    @Test func `a date is rounded to microseconds and kept within years 1 to 9999`() {
        expectNoDifference(Timestamp(Date(timeIntervalSince1970: 1.000_000_6)), Timestamp(microseconds: 1_000_001))
        expectNoDifference(Timestamp(.distantPast).description, "0001-01-01T00:00:00Z")
        expectNoDifference(
            Timestamp(Date(timeIntervalSince1970: .infinity)).description, "9999-12-31T23:59:59Z")
    }

    @Test func `JSON that holds no timestamp is refused by name`() throws {
        let error = #expect(throws: DecodingError.self) {
            try decode(MessagePage.self, Fixture.messagePage.replacing("2025-01-15T11:30:00Z", with: "yesterday"))
        }
        expectNoDifference(error?.plainDescription, "data.0.receivedAt: \"yesterday\" is no ISO 8601 timestamp")
    }
}
