import Conversations
import HTTPTypes
import Hummingbird

/// One operation of the gateway's HTTP interface.
struct Endpoint: Sendable {
    /// What a request must bring.
    enum Access: Sendable, Hashable {
        /// One of the API's keys, as `Authorization: Bearer`.
        case apiKey
        /// The simulation token, from this machine.
        case simulation
        case open
    }

    var method: HTTPRequest.Method
    /// With `{name}` for each part that varies.
    var path: String
    /// The name of the operation in the interface's description.
    var name: String
    var access: Access
    /// Whether it only answers 501.
    var isLeftOut = false
    var handle: @Sendable (Call) async throws(APIError) -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ name: String, access: Access = .apiKey,
        handle: @escaping @Sendable (Call) async throws(APIError) -> Response
    ) {
        self.method = method
        self.path = path
        self.name = name
        self.access = access
        self.handle = handle
    }

    /// An operation that AgentPhone documents and the gateway leaves out.
    static func notServed(
        _ method: HTTPRequest.Method, _ path: String, _ name: String, reason: String
    ) -> Endpoint {
        var endpoint = Endpoint(method, path, name) { _ throws(APIError) in
            throw APIError(
                .notImplemented, "The gateway does not serve this: \(reason).", status: 501,
                serverCode: "NOT_IMPLEMENTED")
        }
        endpoint.isLeftOut = true
        return endpoint
    }

    static let all: [Endpoint] =
        conversations + messages + webhooks + agents + numbers + agentWebhooks + deliveries + contacts + simulation
        + faults + media + leftOut

    /// How many parts of the path vary.
    var placeholderCount: Int { path.count { $0 == "{" } }

    /// Whether `path` fits the endpoint's, whatever the method.
    func matches(path: String) -> Bool {
        let template = self.path.split(separator: "/")
        let parts = path.split(separator: "/")
        return template.count == parts.count
            && zip(template, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
