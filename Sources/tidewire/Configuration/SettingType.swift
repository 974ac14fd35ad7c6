import Foundation
import Logging
import Rules

/// How a setting's text becomes a value, and back.
struct SettingType<Value: Sendable>: Sendable {
    var expectation: String
    var isList = false
    var isSecret = false
    var parse: @Sendable (SettingText, SettingContext) throws(SettingMismatch) -> Value
    /// As it would stand in `tidewire.yaml`; nil where there is nothing to write.
    var format: @Sendable (Value) -> String?

    /// A type of one text, for which `parse` returns nil where the text does not fit.
    init(
        _ expectation: String, parse: @escaping @Sendable (String, SettingContext) -> Value?,
        format: @escaping @Sendable (Value) -> String?
    ) {
        self.expectation = expectation
        self.format = format
        self.parse = { (text, context) throws(SettingMismatch) in
            guard case .scalar(let scalar) = text else {
                throw SettingMismatch(message: "expected \(expectation), got a list")
            }
            guard let value = parse(scalar, context) else {
                throw SettingMismatch(message: "expected \(expectation), got \"\(scalar)\"")
            }
            return value
        }
    }

    /// `wrapped`, where nothing may be set.
    static func optional<Wrapped>(_ wrapped: SettingType<Wrapped>) -> SettingType where Value == Wrapped? {
        var type = SettingType(
            wrapped.expectation, parse: { _, _ in nil }, format: { $0.flatMap(wrapped.format) })
        type.isSecret = wrapped.isSecret
        type.isList = wrapped.isList
        type.parse = { (text, context) throws(SettingMismatch) in try wrapped.parse(text, context) }
        return type
    }

    /// A list of `element`.
    static func list<Element>(_ element: SettingType<Element>) -> SettingType where Value == [Element] {
        var type = SettingType(
            "a list, each \(element.expectation)", parse: { _, _ in nil },
            format: { values in "[" + values.compactMap(element.format).joined(separator: ", ") + "]" })
        type.isList = true
        type.isSecret = element.isSecret
        type.parse = { [expectation = type.expectation] (text, context) throws(SettingMismatch) in
            guard case .list(let items) = text else {
                throw SettingMismatch(message: "expected \(expectation), got a single value: write [value]")
            }
            var values: [Element] = []
            for item in items {
                values.append(try element.parse(.scalar(item), context))
            }
            return values
        }
        return type
    }
}

extension SettingType where Value == String {
    /// A text that `pattern` matches wholly.
    static func text(_ expectation: String, matching pattern: String) -> SettingType {
        SettingType(
            expectation,
            parse: { text, _ in
                text.range(of: "\\A(?:\(pattern))\\z", options: .regularExpression) == nil ? nil : text
            },
            format: { $0 })
    }

    /// A path; relative ones begin where the setting stands. Values are absolute.
    static let path = SettingType(
        "a path; a relative one begins at the folder of the file that names it, or at the working directory",
        parse: { text, context in text.isEmpty ? nil : absolutePath(text, in: context.folder) },
        format: { $0 })

    /// The address of a server, without a slash at its end.
    static let baseURL = SettingType(
        "an http or https URL such as https://api.agentphone.to",
        parse: { text, _ in
            guard let parts = URLComponents(string: text), parts.scheme == "http" || parts.scheme == "https",
                parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil, parts.user == nil
            else { return nil }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        },
        format: { $0 })
}

extension SettingType where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> SettingType {
        SettingType(
            "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text, _ in Int(text).flatMap { range.contains($0) ? $0 : nil } },
            format: { String($0) })
    }

    /// A number of bytes.
    static func bytes(_ range: ClosedRange<Int>) -> SettingType {
        SettingType(
            "a size such as 512KiB, 1MiB or a number of bytes; "
                + "from \(ByteCount.text(range.lowerBound)) to \(ByteCount.text(range.upperBound))",
            parse: { text, _ in ByteCount.parse(text).flatMap { range.contains($0) ? $0 : nil } },
            format: { ByteCount.text($0) })
    }
}

extension SettingType where Value == Bool {
    static let boolean = SettingType(
        "true or false",
        parse: { text, _ in
            switch text.lowercased() {
            case "true", "yes": true
            case "false", "no": false
            default: nil
            }
        },
        format: { String($0) })
}

extension SettingType where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> SettingType {
        let span = "from \(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        var type = SettingType(
            "a duration such as 30s, 5m or 24h; \(span)", parse: { _, _ in nil }, format: { DurationText.format($0) })
        type.parse = { [expectation = type.expectation] (text, _) throws(SettingMismatch) in
            guard case .scalar(let scalar) = text else {
                throw SettingMismatch(message: "expected \(expectation), got a list")
            }
            let value: Duration
            do throws(DurationText.ParsingError) {
                value = try DurationText.parse(scalar)
            } catch {
                throw SettingMismatch(message: "expected \(expectation), got \"\(scalar)\": \(error.message)")
            }
            guard range.contains(value) else {
                throw SettingMismatch(message: "expected \(expectation), got \"\(scalar)\"")
            }
            return value
        }
        return type
    }
}

extension SettingType where Value == ListenAddress {
    static let address = SettingType(
        "HOST:PORT such as 127.0.0.1:8470 or \"[::1]:8470\"; port 0 takes a free one",
        parse: { text, _ in ListenAddress(text) },
        format: { $0.host.contains(":") ? "\"\($0)\"" : $0.description })
}

extension SettingType where Value: RawRepresentable<String> & CaseIterable {
    /// One of the type's words.
    static var choice: SettingType {
        let words = Value.allCases.map(\.rawValue)
        let listed = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        return SettingType(
            listed,
            parse: { text, _ in Value(rawValue: text.lowercased()) },
            format: { $0.rawValue })
    }
}

extension SettingType where Value == String {
    static let phrase = text(
        "a word or some words, with a letter or digit", matching: "[^,]*[\\p{L}\\p{N}][^,]*")

    /// A time zone's name; one that the system knows.
    static let timeZone = SettingType(
        "a time zone such as Europe/Berlin",
        parse: { text, _ in TimeZone(identifier: text) == nil ? nil : text }, format: { $0 })

    static let timeOfDay = text("a time of day such as 21:00", matching: "([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
}

extension SettingType where Value == FuseRate? {
    /// `20/1m`, or `off`.
    static let rate = SettingType(
        "a number in a time such as 20/1m, or off",
        parse: { text, _ in
            if text == "off" { return .some(nil) }
            guard let rate = try? FuseRate(text, key: "") else { return nil }
            return .some(rate)
        },
        format: { $0?.description ?? "off" })
}
