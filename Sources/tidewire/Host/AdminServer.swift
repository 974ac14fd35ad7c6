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
    let host: HostControl?
    var monitor = Monitor.bare

    /// The socket that a process before left is taken away: the state directory's lock shows that nobody listens.
    func application(logger: Logger) -> Application<RouterResponder<BasicRequestContext>> {
        try? FileManager.default.removeItem(atPath: socket)
        let router = Router()
        router.get("/status") { _, _ in try Self.json(await status()) }
        router.post("/reload") { _, _ in try await reload() }
        monitor.addHealth(to: router)
        monitor.addMetrics(to: router)
        if let host { addHost(host, to: router) }
        return Application(
            responder: router.buildResponder(),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket), serverName: "tidewire-admin"),
            onServerRunning: { [socket] _ in
                try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: socket)
            },
            logger: logger.forServers)
    }

    private func reload() async throws -> Response {
        guard let reloader else { return try Self.message("no rules run in this process", .conflict) }
        let outcomes = await reloader.reload()
        return try Self.json(outcomes.map { AdminReload(folder: $0.folder.url.path, $0.outcome) })
    }

    /// Gives a value as JSON, and errors as answers.
    func answer(_ body: () async throws -> some Encodable) async throws -> Response {
        try await respond { try Self.json(try await body()) }
    }

    /// Gives what `body` makes, and errors as answers.
    func respond(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let error as EngineError {
            switch error.code {
            case .notFound: return try Self.message(error.message, .notFound)
            case .conflict, .badInput: return try Self.message(error.message, .conflict)
            default: return try Self.message(error.message, .serviceUnavailable)
            }
        } catch let error as CommandError {
            return try Self.message(error.message, error.status == ExitStatus.unavailable ? .notFound : .badRequest)
        }
    }

    private static func message(_ text: String, _ status: HTTPResponse.Status) throws -> Response {
        try json(["message": text], status: status)
    }

    private static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: try JSON.encode(value))))
    }
}
