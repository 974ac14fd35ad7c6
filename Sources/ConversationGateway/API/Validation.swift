import Conversations

/// The documented bounds of the API's numbers. Sources: AgentPhone guides "Conversations" and "Webhooks", API reference.
///
/// What lies outside is refused with 422 and never clamped; the documentation gives no lower bound of limits, ours is 1.
enum Bounds {
    static let conversationLimit = IntegerBounds(name: "limit", range: 1...100, fallback: 20)
    static let offset = IntegerBounds(name: "offset", range: 0...Int.max, fallback: 0)
    static let messageLimitOfConversation = IntegerBounds(name: "message_limit", range: 1...100, fallback: 50)
    static let messageLimit = IntegerBounds(name: "limit", range: 1...200, fallback: 50)
    static let contextLimit = IntegerBounds(name: "contextLimit", range: 0...50, fallback: 10)
    static let deliveryLimit = IntegerBounds(name: "limit", range: 1...100, fallback: 50)
    static let hours = IntegerBounds(name: "hours", range: 1...168, fallback: 24)
    static let contactLimit = IntegerBounds(name: "limit", range: 1...200, fallback: 50)
    static let timeout = IntegerBounds(name: "timeout", range: 5...120, fallback: 30)
}

/// An integer that a caller may choose.
struct IntegerBounds: Sendable, Hashable {
    var name: String
    var range: ClosedRange<Int>
    var fallback: Int

    func check(_ value: Int) throws(APIError) {
        guard range.contains(value) else { throw .invalid(name, "must be \(description)") }
    }

    var description: String {
        range.upperBound == Int.max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

extension APIError {
    /// 422, with the field's name. Source: AgentPhone reference "Error handling".
    static func invalid(_ field: String, _ message: String) -> APIError {
        APIError(
            .invalidRequest, "\(field): \(message)", status: 422, serverCode: "VALIDATION_ERROR", field: field)
    }

    /// 404. The wording "Reply target not found." was seen live.
    static func notFound(_ what: String, code: String = "NOT_FOUND") -> APIError {
        APIError(.notFound, "\(what) not found.", status: 404, serverCode: code)
    }

    static func badRequest(_ message: String, code: String) -> APIError {
        APIError(.invalidRequest, message, status: 400, serverCode: code)
    }
}

/// Text that the database keeps whole: it ends a text at U+0000.
func checkText(_ text: String, field: String) throws(APIError) {
    guard !text.utf8.contains(0) else { throw .invalid(field, "must not contain the character U+0000") }
}
