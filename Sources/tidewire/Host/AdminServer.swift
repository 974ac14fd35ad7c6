import Conversations
import DurableExecution
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Packs
import Rules

/// Serves the tool's commands over a Unix socket in the state directory, which only the owner can reach.
struct AdminServer: Sendable {
    let socket: String
    let status: @Sendable () async -> AdminStatus
    /// Nil where no rules run.
    let reloader: PackReloader?
    let engine: Engine?

    /// The socket that a process before left is taken away: the state directory's lock shows that nobody listens.
    func application(logger: Logger) -> Application<RouterResponder<BasicRequestContext>> {
        try? FileManager.default.removeItem(atPath: socket)
        let router = Router()
        router.get("/status") { _, _ in try Self.json(await status()) }
        router.post("/reload") { _, _ in try await reload() }
        router.get("/event") { request, _ in try await event(of: request) }
        return Application(
            responder: router.buildResponder(),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket), serverName: "tidewire-admin"),
            onServerRunning: { [socket] _ in
                try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: socket)
            },
            logger: logger)
    }

    private func reload() async throws -> Response {
        guard let reloader else { return try Self.json(["message": "no rules run in this process"], status: .conflict) }
        let outcomes = await reloader.reload()
        return try Self.json(outcomes.map { AdminReload(folder: $0.folder.url.path, $0.outcome) })
    }

    /// `GET /event?identity=message:ID`: what became of the event that has an identity.
    private func event(of request: Request) async throws -> Response {
        guard let engine, let identity = request.uri.queryParameters["identity"] else {
            return try Self.json(["message": "an identity is needed"], status: .badRequest)
        }
        guard let event = try await engine.event(identity: String(identity)) else {
            return try Self.json(["message": "no event has the identity \(identity)"], status: .notFound)
        }
        return try Self.json(AdminEvent(try await engine.trace(ofEvent: event.sequence)))
    }

    private static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: try JSON.encode(value))))
    }
}
