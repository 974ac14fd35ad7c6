import Foundation

/// How a ``CommandFailure`` is kept: JSON text.
struct StoredCommandFailure: Codable {
    var code: String
    var message: String
    var retryable: Bool
    /// Microseconds.
    var retryAfter: Int64?
    var outcomeUnknown: Bool
    var details: String?
    /// Written only if it is true.
    var upstreamDown: Bool?

    static func encode(_ failure: CommandFailure) throws -> String {
        try StoredJSON.encode(
            StoredCommandFailure(
                code: failure.code, message: failure.message, retryable: failure.retryable,
                retryAfter: failure.retryAfter?.microseconds, outcomeUnknown: failure.outcomeUnknown,
                details: failure.details.map { String(decoding: $0, as: UTF8.self) },
                upstreamDown: failure.upstreamDown ? true : nil))
    }

    static func decode(_ text: String) throws -> CommandFailure {
        let stored = try StoredJSON.decode(Self.self, text)
        return CommandFailure(
            code: stored.code, message: stored.message, retryable: stored.retryable,
            retryAfter: stored.retryAfter.map { .microseconds($0) }, outcomeUnknown: stored.outcomeUnknown,
            details: stored.details.map { Data($0.utf8) }, upstreamDown: stored.upstreamDown ?? false)
    }
}

/// How a ``ProgramFailure`` is kept: JSON text.
struct StoredProgramFailure: Codable {
    var code: String
    var message: String
    var traceback: String?
    var location: String?

    static func encode(_ failure: ProgramFailure) throws -> String {
        try StoredJSON.encode(
            StoredProgramFailure(
                code: failure.code, message: failure.message, traceback: failure.traceback, location: failure.location))
    }

    static func decode(_ text: String) throws -> ProgramFailure {
        let stored = try StoredJSON.decode(Self.self, text)
        return ProgramFailure(
            code: stored.code, message: stored.message, traceback: stored.traceback, location: stored.location)
    }
}

/// How an event's refusals are kept: one JSON list.
struct StoredRefusal: Codable {
    var rule: String
    var reason: String

    static func encode(_ refusals: [Refusal]) throws -> String {
        try StoredJSON.encode(refusals.map { StoredRefusal(rule: $0.rule, reason: $0.reason) })
    }

    static func decode(_ text: String) throws -> [Refusal] {
        try StoredJSON.decode([Self].self, text).map { Refusal(rule: $0.rule, reason: $0.reason) }
    }
}

enum StoredJSON {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// - Throws: ``EngineError``, `corrupted`.
    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw EngineError(.corrupted, "stored JSON can't be read: \(text.prefix(200))", cause: error)
        }
    }
}

extension Duration {
    /// Whole microseconds; clamped where they don't fit.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000).partialValue
    }
}
