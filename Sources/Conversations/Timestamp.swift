public import Foundation

/// A moment as the API writes it: ISO 8601, read with any offset and fraction, written in UTC.
///
/// Kept in whole microseconds since 1970, so that equal moments are equal whatever they were read from.
public struct Timestamp: Sendable, Hashable, Comparable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Rounds to the nearest microsecond. Moments outside the years 1 to 9999 are pulled to that range's ends.
    public init(_ date: Date) {
        let seconds = min(max(date.timeIntervalSince1970, -62_135_596_800), 253_402_300_799)
        microseconds = Int64((seconds * 1_000_000).rounded())
    }

    public var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1_000_000) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// Moves by whole microseconds; past the ends of what can be held, to that end.
    public func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflowsScale) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (step, overflowsStep) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        let (sum, overflowsSum) = microseconds.addingReportingOverflow(step)
        guard overflowsScale || overflowsStep || overflowsSum else { return Timestamp(microseconds: sum) }
        return Timestamp(microseconds: duration < .zero ? .min : .max)
    }
}

extension Timestamp: LosslessStringConvertible {
    /// Reads `2025-01-15T12:00:00Z`, with a fraction of a second, an offset (`+01:00`, `+0100`) or none (then UTC),
    /// or a date alone (then its midnight).
    public init?(_ text: String) {
        var reader = TimestampReader(text)
        guard let value = reader.read() else { return nil }
        self = value
    }

    /// UTC with `Z`, whole seconds as the documentation has it, with milli- or microseconds only where there are any.
    public var description: String {
        let (total, fraction) = microseconds.quotientAndRemainder(floored: 1_000_000)
        let (days, second) = total.quotientAndRemainder(floored: 86_400)
        let date = CivilDate(daysSince1970: Int(days))
        let day = "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
        let minute = "\(Self.padded(Int(second) / 3600, 2)):\(Self.padded(Int(second) / 60 % 60, 2))"
        let whole = "\(day)T\(minute):\(Self.padded(Int(second) % 60, 2))"
        guard fraction != 0 else { return whole + "Z" }
        let isMilliseconds = fraction % 1000 == 0
        return "\(whole).\(Self.padded(Int(isMilliseconds ? fraction / 1000 : fraction), isMilliseconds ? 3 : 6))Z"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value.magnitude)
        return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text.prefix(64))\" is no ISO 8601 timestamp")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int64 {
    fileprivate func quotientAndRemainder(floored divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Reads the parts of a timestamp from left to right.
private struct TimestampReader {
    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = Substring(text).utf8
    }

    mutating func read() -> Timestamp? {
        guard let year = number(digits: 4), skip("-"), let month = number(digits: 2), skip("-"),
            let day = number(digits: 2), let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let midnight = Int64(date.daysSince1970) * 86_400_000_000
        guard !rest.isEmpty else { return Timestamp(microseconds: midnight) }
        guard skip("T") || skip("t") || skip(" "), let time = readTime(), let offset = readOffset(), rest.isEmpty
        else { return nil }
        return Timestamp(microseconds: midnight + time - Int64(offset) * 1_000_000)
    }

    /// Microseconds since midnight. A leap second counts as the second after it.
    private mutating func readTime() -> Int64? {
        guard let hour = number(digits: 2), skip(":"), let minute = number(digits: 2), hour < 24, minute < 60
        else { return nil }
        let minutes = Int64(hour * 60 + minute) * 60_000_000
        guard skip(":") else { return minutes }
        guard let second = number(digits: 2), second <= 60 else { return nil }
        let seconds = minutes + Int64(second) * 1_000_000
        guard skip(".") || skip(",") else { return seconds }
        return readFraction().map { seconds + $0 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func number(digits: Int) -> Int? {
        let text = rest.prefix(digits)
        guard text.count == digits, text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest.removeFirst(digits)
        return text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Digits after the point as microseconds; further digits are cut off.
    private mutating func readFraction() -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest.removeFirst(digits.count)
        let value = digits.prefix(6).reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
        return (min(digits.count, 6)..<6).reduce(value) { value, _ in value * 10 }
    }

    /// Seconds east of UTC; no offset at all counts as UTC.
    private mutating func readOffset() -> Int? {
        if rest.isEmpty || skip("Z") || skip("z") { return 0 }
        let sign: Int
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(digits: 2), hours < 24 else { return nil }
        guard !rest.isEmpty else { return sign * hours * 3600 }
        _ = skip(":")
        guard let minutes = number(digits: 2), minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
