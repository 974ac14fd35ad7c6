/// Durations as people write them: a whole number and a unit, or several from the largest unit down (`1h30m`).
///
/// Units: `ms`, `s`, `m`, `h`, `d` (24 hours).
public enum DurationText {
    public struct ParsingError: Error, Sendable, Hashable {
        /// What is wrong and how to write it.
        public var message: String
    }

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// - Throws: ``ParsingError`` for anything else, and past what `Int64` milliseconds hold.
    public static func parse(_ text: String) throws(ParsingError) -> Duration {
        var rest = text[...]
        var total: Int64 = 0
        var nextUnit = 0
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard !digits.isEmpty else {
                throw ParsingError(message: "a number and a unit (ms, s, m, h or d) are needed")
            }
            guard !name.isEmpty else {
                throw ParsingError(message: "the unit is missing: \(digits)s, \(digits)m or \(digits)h?")
            }
            guard let unit = units.firstIndex(where: { $0.name == name }) else {
                throw ParsingError(message: "\"\(name)\" is not a unit: use ms, s, m, h or d")
            }
            guard unit >= nextUnit else {
                throw ParsingError(message: "units go from the largest to the smallest, each once")
            }
            nextUnit = unit + 1
            total = try sum(total, digits, units[unit].milliseconds)
        } while !rest.isEmpty
        return .milliseconds(total)
    }

    private static func sum(
        _ total: Int64, _ digits: Substring, _ milliseconds: Int64
    ) throws(ParsingError) -> Int64 {
        let tooLarge = ParsingError(message: "the number is too large")
        guard let count = Int64(digits) else { throw tooLarge }
        let (product, overflow) = count.multipliedReportingOverflow(by: milliseconds)
        let (sum, sumOverflow) = total.addingReportingOverflow(product)
        guard !overflow, !sumOverflow else { throw tooLarge }
        return sum
    }

    /// The shortest text with the same value; digits past a millisecond are left out.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        var rest = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard rest > 0 else { return "0s" }
        var text = ""
        for unit in units where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }
}
