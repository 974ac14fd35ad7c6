import Conversations
import Foundation
import NIOCore
import NIOHTTP1

/// What the server answered.
struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// Nil if it could not be read; `bodyProblem` then says why.
    var body: ByteBuffer?
    var bodyProblem: BodyProblem?

    enum BodyProblem: Sendable {
        case tooLarge
        /// The connection was lost or the time was up before the last byte.
        case brokeOff
    }

    var isSuccess: Bool { (200...299).contains(status) }

    /// Reads the body of a successful answer.
    ///
    /// - Throws: ``APIError/Code/badResponse``, or ``APIError/Code/unavailable`` if it broke off; for a call that can't
    ///   be repeated ``APIError/Code/outcomeUnknown``.
    func value<Value: Decodable>(
        _ type: Value.Type, of call: Call, _ configuration: AgentPhoneConfiguration
    ) throws(APIError) -> Value {
        var (code, problem, advice) = (APIError.Code.badResponse, "it has no body", Advice.dialect(configuration))
        do {
            if let body { return try JSON.decode(type, from: Data(body.readableBytesView)) }
            if bodyProblem == .brokeOff {
                (code, problem, advice) = (.unavailable, "it broke off", "retry with backoff")
            } else if bodyProblem == .tooLarge {
                (problem, advice) = ("it is larger than \(configuration.bodyLimit) bytes", "ask for fewer at a time")
            }
        } catch let error as DecodingError {
            problem = error.plainDescription
        } catch {
            problem = "\(error)"
        }
        if call.isOnce { (code, advice) = (.outcomeUnknown, Advice.look) }
        let text = "\(call.purpose): the server answered \(status), but the answer can't be read: \(problem)"
        throw APIError(code, "\(text); \(advice)", status: status)
    }

    /// The error that a status other than success means.
    ///
    /// - Parameter now: The time that a `Retry-After` with a date counts from.
    func error(of call: Call, _ configuration: AgentPhoneConfiguration, now: Date) -> APIError {
        let server = serverError
        let code = Self.code(status: status, serverCode: server?.error.code, isOnce: call.isOnce, isRead: body != nil)
        let wait = headers.first(name: "retry-after").flatMap { RetryAfter.duration($0, now: now) }
        let said = [server?.error.code, server?.error.message].compactMap(\.self).joined(separator: ": ").prefix(300)
        let answer = "\(call.purpose): the server answered \(status)" + (said.isEmpty ? "" : ", \(said)")
        return APIError(
            code, "\(answer); \(Advice.next(code, status: status, wait: wait, configuration))", status: status,
            serverCode: server?.error.code, field: server?.error.details?.first?.field, retryAfter: wait)
    }

    private var serverError: APIErrorBody? {
        guard let body else { return nil }
        return try? JSON.decode(APIErrorBody.self, from: Data(body.readableBytesView))
    }

    /// Caps that waiting doesn't lift.
    ///
    /// Source: no page of AgentPhone's lists them; three clients in use carry this list.
    static let finalLimits: Set<String> = [
        "CONVERSATION_STREAK_LIMIT", "CONVERSATION_AWAITING_REPLY", "CONVERSATION_INACTIVE", "OUTBOUND_LIMIT_REACHED",
        "NEW_CONVERSATION_LIMIT_REACHED",
    ]

    /// What a status means. Source: AgentPhone reference, "Error handling"; for statuses it doesn't name, RFC 9110.
    ///
    /// - Parameter isRead: Whether the answer's body could be read; a conflict whose reason is lost may be the one
    ///   that leaves the outcome open.
    static func code(status: Int, serverCode: String?, isOnce: Bool, isRead: Bool = true) -> APIError.Code {
        switch status {
        case 401: return .unauthorized
        case 402, 403: return .forbidden
        case 404, 410: return .notFound
        case 409 where serverCode == "DELIVERY_UNCONFIRMED" || (isOnce && !isRead): return .outcomeUnknown
        case 409: return .conflict
        case 429: return finalLimits.contains(serverCode ?? "") ? .limitReached : .rateLimited
        case 501: return .notImplemented
        // The request was taken and its result is elsewhere (303), or it was read too slowly by someone in between.
        case 303, 408: return isOnce ? .outcomeUnknown : status == 303 ? .badResponse : .unavailable
        // Too Early: the server refused to begin with it.
        case 425: return .unavailable
        case 405, 300...399: return .badResponse
        case 400...499: return .invalidRequest
        case 500...599: return isOnce ? .outcomeUnknown : .unavailable
        default: return isOnce ? .outcomeUnknown : .badResponse
        }
    }
}

extension Exchange.Failure {
    func error(of call: Call, _ configuration: AgentPhoneConfiguration) -> APIError {
        let what =
            switch reason {
            case .timeout: "no answer within \(configuration.timeout) (api.timeout)"
            case .cancelled: "it was cancelled before an answer came"
            case .connection(let text): "no answer from \(configuration.baseURL) (\(text.prefix(300)))"
            }
        guard call.isOnce && mayHaveArrived else {
            let arrival = call.isOnce ? "nothing was sent; " : ""
            return APIError(.unavailable, "\(call.purpose): \(what); \(arrival)retry with backoff")
        }
        return APIError(.outcomeUnknown, "\(call.purpose): \(what); \(Advice.look)")
    }
}

/// What to do next, as the end of an error message.
enum Advice {
    static let look = "it may have taken place: look at the conversation before doing it again"

    static func dialect(_ configuration: AgentPhoneConfiguration) -> String {
        "check that \(configuration.baseURL) (api.base_url) is the address of this API"
    }

    static func next(
        _ code: APIError.Code, status: Int, wait: Duration?, _ configuration: AgentPhoneConfiguration
    ) -> String {
        switch code {
        case .invalidRequest: "correct the call"
        case .unauthorized: "set api.key to a key that is valid at \(configuration.baseURL)"
        case .forbidden where status == 402: "top up the account's balance"
        case .forbidden: "the account may not do this; register the number or ask the provider for permission"
        case .notFound: "it doesn't exist or belongs to another account; check the id"
        case .conflict: "read its present state before trying again"
        case .limitReached: "waiting does not lift this cap; the participant must write first, or the provider raise it"
        case .rateLimited, .unavailable: wait.map { "wait \($0), then retry" } ?? "retry with backoff"
        case .outcomeUnknown: look
        case .notImplemented: "this server doesn't offer it"
        case .badResponse where (300...399).contains(status):
            "redirects are not followed; set api.base_url to the address that the API is at now"
        case .badResponse: dialect(configuration)
        }
    }
}
