/// Why a call of the API failed, by what its caller can do about it.
public struct APIError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable, Codable {
        /// The call itself is wrong (400, 422): fix it.
        case invalidRequest = "invalid_request"
        /// The key is missing or wrong (401): fix the configuration.
        case unauthorized
        /// The account may not do this (402, 403): register the number, top up, ask for permission.
        case forbidden
        /// No such thing, or not yours (404).
        case notFound = "not_found"
        /// It exists already, or is in a state that forbids this (409).
        case conflict
        /// A cap that waiting does not lift (some 429s).
        case limitReached = "limit_reached"
        /// Too many calls (429): wait for ``APIError/retryAfter``, then retry.
        case rateLimited = "rate_limited"
        /// Nothing took place, or the call may be repeated safely: retry with backoff.
        case unavailable
        /// The effect may or may not have taken place: look, or ask a person; never repeat on a guess.
        case outcomeUnknown = "outcome_unknown"
        /// The server doesn't offer this (501).
        case notImplemented = "not_implemented"
        /// The answer could not be read: the server speaks another dialect, or isn't this API.
        case badResponse = "bad_response"
    }

    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String
    /// The HTTP status of the answer; nil if there was none.
    public var status: Int?
    /// The server's own code, such as `VALIDATION_ERROR`.
    public var serverCode: String?
    /// The request's field at fault, where one is known.
    public var field: String?
    /// How long the server asks to wait.
    public var retryAfter: Duration?

    public init(
        _ code: Code, _ message: String, status: Int? = nil, serverCode: String? = nil, field: String? = nil,
        retryAfter: Duration? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.serverCode = serverCode
        self.field = field
        self.retryAfter = retryAfter
    }

    /// Whether the same call may be made again without a decision by anyone.
    public var isRetryable: Bool { code == .rateLimited || code == .unavailable }
}

/// The body of an error answer.
///
/// Two shapes are in use: the documented envelope `{"error": {message, code, type, details}}`, and `{"detail": "…"}`,
/// which the known clients look for first. Both are written, so that every client shows a good message; any is read.
/// Source: AgentPhone reference "Error handling"; the `detail` form is what live answers and SDKs use.
public struct APIErrorBody: Sendable, Hashable, Codable {
    public struct Detail: Sendable, Hashable, Codable {
        public var field: String?
        public var message: String
        public var type: String?

        public init(field: String?, message: String, type: String?) {
            self.field = field
            self.message = message
            self.type = type
        }
    }

    public struct Envelope: Sendable, Hashable, Codable {
        public var message: String
        public var code: String?
        public var type: String?
        public var details: [Detail]?

        public init(message: String, code: String?, type: String?, details: [Detail]?) {
            self.message = message
            self.code = code
            self.type = type
            self.details = details
        }
    }

    private enum CodingKeys: String, CodingKey { case error, detail }

    public var error: Envelope
    public var detail: String

    public init(message: String, code: String, type: String, details: [Detail]? = nil) {
        error = Envelope(message: message, code: code, type: type, details: details)
        detail = message
    }

    private enum Key: String, CodingKey { case error, detail, message }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let text = try? container.decode(String.self, forKey: .detail)
        if let envelope = try? container.decode(Envelope.self, forKey: .error) {
            error = envelope
        } else {
            let items = (try? container.decode([FrameworkDetail].self, forKey: .detail)) ?? []
            let message =
                text ?? items.first?.msg ?? (try? container.decode(String.self, forKey: .error))
                ?? (try? container.decode(String.self, forKey: .message))
            guard let message else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: container.codingPath, debugDescription: "no known error shape"))
            }
            error = Envelope(message: message, code: nil, type: nil, details: items.isEmpty ? nil : items.map(\.detail))
        }
        detail = text ?? error.message
    }
}

extension APIErrorBody.Envelope {
    /// Reads what there is: details of an unknown shape must not hide the code that says what to do.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        message = try container.decode(String.self, forKey: .message)
        code = try? container.decodeIfPresent(String.self, forKey: .code)
        type = try? container.decodeIfPresent(String.self, forKey: .type)
        details = try? container.decodeIfPresent([APIErrorBody.Detail].self, forKey: .details)
    }
}

/// One entry of the validation list that the API's framework writes: `{"loc", "msg", "type"}`.
private struct FrameworkDetail: Decodable {
    var loc: [JSONValue]?
    var msg: String
    var type: String?

    var detail: APIErrorBody.Detail {
        APIErrorBody.Detail(field: loc?.last { $0.string != nil }?.string, message: msg, type: type)
    }
}
