import Testing

@testable import Rules

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("90s", 90_000), ("2h", 7_200_000), ("1h30m", 5_400_000), ("500ms", 500), ("7d", 604_800_000), ("0s", 0),
        ("1d2h3m4s5ms", 93_784_005),
    ])
    func `numbers with units are a duration`(_ text: String, _ milliseconds: Int64) throws {
        #expect(try DurationText.parse(text) == .milliseconds(milliseconds))
        #expect(try DurationText.parse(DurationText.format(.milliseconds(milliseconds))) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("", "a number and a unit (ms, s, m, h or d) are needed"),
        ("h", "a number and a unit (ms, s, m, h or d) are needed"),
        ("-2h", "a number and a unit (ms, s, m, h or d) are needed"), ("2", "the unit is missing: 2s, 2m or 2h?"),
        ("1.5h", "the unit is missing: 1s, 1m or 1h?"), ("2 hours", "the unit is missing: 2s, 2m or 2h?"),
        ("2H", "\"H\" is not a unit: use ms, s, m, h or d"),
        ("30m1h", "units go from the largest to the smallest, each once"),
        ("1h1h", "units go from the largest to the smallest, each once"),
        ("99999999999999999999s", "the number is too large"), ("9223372036854775807d", "the number is too large"),
    ])
    func `anything else is refused with what to write`(_ text: String, _ message: String) {
        #expect(throws: DurationText.ParsingError(message: message)) { try DurationText.parse(text) }
    }
}
