/// Durations as people write them: `90s`, `2h`, `1h 30m`, `500ms`, `7d`.
public enum DurationText {
    private static let units: [(name: String, seconds: Double)] = [
        ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800),
    ]

    /// The longest that is read: a hundred years.
    private static let limit: Double = 100 * 366 * 86_400

    /// Reads numbers with units, whole or with a fraction, joined or with spaces between; nil for anything else, a bare
    /// number included.
    public static func parse(_ text: String) -> Duration? {
        let pattern = /\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d|w)/
        var rest = text[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.allSatisfy(\.isWhitespace) {
            guard let match = rest.prefixMatch(of: pattern), let value = Double(match.1),
                let unit = units.first(where: { $0.name == match.2 })
            else { return nil }
            total += value * unit.seconds
            rest = rest[match.range.upperBound...]
        }
        return total <= limit ? .seconds(total) : nil
    }
}
