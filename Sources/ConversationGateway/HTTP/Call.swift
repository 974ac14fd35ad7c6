import Conversations
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// One request, as an endpoint reads it. Every reader refuses what it cannot read with 422 and the field's name.
struct Call: Sendable {
    /// Bodies but media. The documentation names no bound.
    static let bodyByteLimit = 1 << 20

    let gateway: Gateway
    let request: Request
    let context: GatewayContext

    /// The part of the path under this name.
    func part(_ name: String) -> String {
        let raw = context.parameters.get(name) ?? ""
        return raw.removingPercentEncoding ?? raw
    }

    /// The last value of a query parameter. As in forms, `+` is a space: an offset's `+` must be written `%2B`.
    func query(_ name: String) -> String? {
        request.uri.query?.split(separator: "&").last { pair in
            Self.decoded(pair.prefix { $0 != "=" }) == name
        }.map { pair in Self.decoded(pair.drop { $0 != "=" }.dropFirst()) }
    }

    private static func decoded(_ text: Substring) -> String {
        let spaced = text.replacingOccurrences(of: "+", with: " ")
        return spaced.removingPercentEncoding ?? spaced
    }

    func integer(_ bounds: IntegerBounds) throws(APIError) -> Int {
        guard let text = query(bounds.name) else { return bounds.fallback }
        // `Int` also reads "+5", which is no number in a query.
        guard let value = Int(text), !text.hasPrefix("+") else {
            throw .invalid(bounds.name, "must be a whole number, \(bounds.description)")
        }
        try bounds.check(value)
        return value
    }

    func timestamp(_ name: String) throws(APIError) -> Timestamp? {
        guard let text = query(name) else { return nil }
        guard let value = Timestamp(text) else {
            throw .invalid(
                name, "must be an ISO 8601 datetime such as 2025-01-15T12:00:00Z; a + in it is written %2B in a URL")
        }
        return value
    }

    /// As ``integer(_:)``, but nil where the parameter is absent.
    func optionalInteger(_ bounds: IntegerBounds) throws(APIError) -> Int? {
        query(bounds.name) == nil ? nil : try integer(bounds)
    }

    /// The body as JSON, whatever the content type says.
    func body<Value: Decodable>(_ type: Value.Type) async throws(APIError) -> Value {
        try Self.decode(type, try await bodyData(limit: Self.bodyByteLimit))
    }

    /// As ``body(_:)``, but nil for an empty body.
    func optionalBody<Value: Decodable>(_ type: Value.Type) async throws(APIError) -> Value? {
        let data = try await bodyData(limit: Self.bodyByteLimit)
        return data.isEmpty ? nil : try Self.decode(type, data)
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data) throws(APIError) -> Value {
        do {
            return try JSON.decode(type, from: data)
        } catch let error as DecodingError {
            throw .invalid(error.fieldName ?? "body", error.plainDescription)
        } catch let error as UnservedField {
            throw APIError(
                .notImplemented, "The gateway does not serve the field \(error.name).", status: 501,
                serverCode: "NOT_IMPLEMENTED", field: error.name)
        } catch {
            throw .invalid("body", "not readable: \(error)")
        }
    }

    func bodyData(limit: Int) async throws(APIError) -> Data {
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Data(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw .tooLarge(limit: limit)
        } catch {
            throw APIError(.invalidRequest, "The body broke off: \(error)", status: 400, serverCode: "BAD_REQUEST")
        }
    }

    func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(APIError) -> Response {
        do {
            return Response(json: try JSON.encode(value), status: status)
        } catch {
            throw APIError(.unavailable, "The answer cannot be written: \(error)", status: 500)
        }
    }
}

extension Response {
    init(json: Data, status: HTTPResponse.Status) {
        self.init(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    /// An error in both shapes that clients know.
    init(_ error: APIError) {
        let status = HTTPResponse.Status(code: error.status ?? 500)
        let details = error.field.map { [APIErrorBody.Detail(field: $0, message: error.message, type: "value_error")] }
        let body = APIErrorBody(
            message: error.message, code: error.serverCode ?? "INTERNAL_ERROR", type: Self.type(of: error),
            details: details)
        self.init(json: (try? JSON.encode(body)) ?? Data("{}".utf8), status: status)
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        if let wait = error.retryAfter { headers[.retryAfter] = String(wait.components.seconds) }
    }

    /// Source of the first four: AgentPhone reference "Error handling".
    private static func type(of error: APIError) -> String {
        switch error.code {
        case .invalidRequest: "validation_error"
        case .rateLimited, .limitReached: "rate_limit_error"
        case .notFound: "not_found"
        case .unauthorized: "authentication_error"
        case .forbidden: "permission_error"
        case .conflict, .outcomeUnknown: "conflict"
        case .notImplemented: "not_implemented"
        case .unavailable, .badResponse: "server_error"
        }
    }
}
