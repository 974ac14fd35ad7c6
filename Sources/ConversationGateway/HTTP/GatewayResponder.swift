import Conversations
import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import PublicAddresses

/// Leads requests to their endpoints, checks what they bring, and gives every error one shape.
struct GatewayResponder: HTTPResponder {
    typealias Context = GatewayContext

    private let router: RouterResponder<GatewayContext>

    init(gateway: Gateway) {
        let router = Router(context: GatewayContext.self)
        router.add(middleware: ErrorShape(gateway: gateway))
        for endpoint in Endpoint.all {
            let access = AccessCheck(endpoint.access, gateway.configuration)
            router.on(RouterPath(endpoint.path), method: endpoint.method) { request, context in
                try access.check(request, from: context.channel.remoteAddress?.ipAddress)
                return try await endpoint.answer(Call(gateway: gateway, request: request, context: context))
            }
        }
        self.router = router.buildResponder()
    }

    func respond(to request: Request, context: GatewayContext) async throws -> Response {
        try await router.respond(to: request, context: context)
    }
}

/// Answers errors; unknown paths 404, and known ones with another method 405, before anyone asks for a key.
private struct ErrorShape: RouterMiddleware {
    let gateway: Gateway

    func handle(
        _ request: Request, context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as APIError {
            if (error.status ?? 500) >= 500, error.code != .notImplemented {
                gateway.logger.error(
                    "a call failed",
                    metadata: [
                        "path": "\(request.uri.path)", "status": "\(error.status ?? 500)", "reason": "\(error.message)",
                    ])
            }
            return Response(error)
        } catch let error as HTTPError where error.status == .notFound {
            return notFound(request)
        } catch let error as any HTTPResponseError {
            let code: APIError.Code = error.status.kind == .serverError ? .unavailable : .invalidRequest
            return Response(APIError(code, "\(error.status.reasonPhrase).", status: error.status.code))
        } catch {
            gateway.logger.error("a call failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return Response(APIError(.unavailable, "The gateway failed on this call.", status: 500))
        }
    }

    private func notFound(_ request: Request) -> Response {
        let path = request.uri.path
        let fitting = Endpoint.all.filter { $0.matches(path: path) }
        // Of `/v1/contacts/capabilities` and `/v1/contacts/{contact_id}` the more literal one is meant.
        let placeholders = fitting.map(\.placeholderCount).min()
        let methods = fitting.filter { $0.placeholderCount == placeholders }.map(\.method.rawValue)
        guard !methods.isEmpty else {
            return Response(APIError(.notFound, "There is nothing at this path.", status: 404, serverCode: "NOT_FOUND"))
        }
        let allowed = Set(methods).sorted().joined(separator: ", ")
        var response = Response(
            APIError(
                .invalidRequest, "\(request.method.rawValue) is not allowed here; allowed: \(allowed).", status: 405,
                serverCode: "METHOD_NOT_ALLOWED"))
        response.headers[.allow] = allowed
        return response
    }
}

/// Checks the key that a request brings, and for `/sim` that it comes from this machine and not from a page on the web.
struct AccessCheck: Sendable {
    private let access: Endpoint.Access
    private let digests: [SHA256Digest]

    init(_ access: Endpoint.Access, _ configuration: GatewayConfiguration) {
        self.access = access
        let keys =
            switch access {
            case .apiKey: configuration.apiKeys
            case .simulation: [configuration.simulationToken]
            case .open: [String]()
            }
        digests = keys.map { SHA256.hash(data: Data($0.utf8)) }
    }

    /// - Parameter peer: The address that the request came from; nil within this process.
    func check(_ request: Request, from peer: String?) throws(APIError) {
        guard access != .open else { return }
        if access == .simulation {
            // Host and Origin are for browsers; anybody else can write into them what they like.
            guard peer.map(Self.isLoopback) ?? true else {
                throw forbidden("The simulation is open to this machine only.")
            }
            try checkOrigin(request)
        }
        let words = request.headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw unauthorized("The header \"Authorization: Bearer …\" is missing.")
        }
        // Digests are compared in constant time, so the time taken tells nothing of the key.
        let digest = SHA256.hash(data: Data(words[1].trimmingCharacters(in: .whitespaces).utf8))
        guard digests.filter({ $0 == digest }).count > 0 else {
            throw unauthorized(access == .apiKey ? "The API key is not valid." : "The simulation token is not valid.")
        }
    }

    /// A page on the web can make a browser call this machine, under a name that it controls. It can choose neither the
    /// Host nor the Origin that the browser then sends.
    private func checkOrigin(_ request: Request) throws(APIError) {
        guard let host = request.head.authority, Self.isLoopback(URLComponents(string: "http://\(host)")?.host) else {
            throw forbidden("The simulation is open to this machine only: call it by localhost or 127.0.0.1.")
        }
        guard let origin = request.headers[.origin] else { return }
        guard Self.isLoopback(URLComponents(string: origin)?.host) else {
            throw forbidden("The simulation is closed to pages from elsewhere.")
        }
    }

    private static func isLoopback(_ host: String?) -> Bool {
        guard let host = host?.lowercased().trimmingCharacters(in: ["[", "]"]) else { return false }
        return host == "localhost" || host.hasSuffix(".localhost") || host == "::1"
            || (host.hasPrefix("127.") && IPAddress(host) != nil)
            || (host.hasPrefix("::ffff:127.") && IPAddress(host) != nil)
    }

    private func unauthorized(_ message: String) -> APIError {
        APIError(.unauthorized, message, status: 401, serverCode: "UNAUTHORIZED")
    }

    private func forbidden(_ message: String) -> APIError {
        APIError(.forbidden, message, status: 403, serverCode: "FORBIDDEN")
    }
}
