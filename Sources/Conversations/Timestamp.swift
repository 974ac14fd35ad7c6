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

    public func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(microseconds: microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
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
        let (seconds, fraction) = microseconds.quotientAndRemainder(floored: 1_000_000)
        let whole = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        guard fraction != 0 else { return whole }
        let digits = fraction % 1000 == 0 ? (fraction / 1000, 3) : (fraction, 6)
        let padded = String(repeating: "0", count: digits.1 - String(digits.0).count) + String(digits.0)
        return whole.dropLast() + "." + padded + "Z"
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
            let day = number(digits: 2), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var components = DateComponents(year: year, month: month, day: day)
        var fraction: Int64 = 0
        var offset = 0
        if !rest.isEmpty {
            guard skip("T") || skip("t") || skip(" "), let hour = number(digits: 2), skip(":"),
                let minute = number(digits: 2), hour < 24, minute < 60
            else { return nil }
            components.hour = hour
            components.minute = minute
            if skip(":") {
                guard let second = number(digits: 2), second <= 60 else { return nil }
                components.second = second
                if skip(".") || skip(",") {
                    guard let digits = readFraction() else { return nil }
                    fraction = digits
                }
            }
            guard let seconds = readOffset() else { return nil }
            offset = seconds
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        guard rest.isEmpty, let date = calendar.date(from: components),
            calendar.component(.day, from: date) == day || components.second == 60
        else { return nil }
        let seconds = Int64(date.timeIntervalSince1970) - Int64(offset)
        return Timestamp(microseconds: seconds * 1_000_000 + fraction)
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
        return (digits.count..<6).reduce(value) { value, _ in value * 10 }
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
