import Conversations
import DurableExecution
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Packs
import Rules

extension Engine.Finding {
    fileprivate init?(word: String?) {
        switch word {
        // Nobody knows more of it than that it took place.
        case "sent": self = .sent(outcome: Data("{}".utf8))
        case "resend": self = .resend
        case "not_sent": self = .notSent
        default: return nil
        }
    }
}

/// Serves the tool's commands over a Unix socket in the state directory, which only the owner can reach.
struct AdminServer: Sendable {
    let socket: String
    let status: @Sendable () async -> AdminStatus
    /// Nil where no rules run.
    let reloader: PackReloader?
    let engine: Engine?
    var monitor = Monitor.bare

    /// The socket that a process before left is taken away: the state directory's lock shows that nobody listens.
    func application(logger: Logger) -> Application<RouterResponder<BasicRequestContext>> {
        try? FileManager.default.removeItem(atPath: socket)
        let router = Router()
        router.get("/status") { _, _ in try Self.json(await status()) }
        router.post("/reload") { _, _ in try await reload() }
        monitor.addHealth(to: router)
        monitor.addMetrics(to: router)
        if let engine {
            let records = EngineRecords(engine: engine)
            router.get("/events") { request, _ in
                try await answer { try Self.json(try await records.events(request.query)) }
            }
            router.get("/runs") { request, _ in
                try await answer { try Self.json(try await records.runs(request.query)) }
            }
            router.get("/trace") { request, _ in
                try await answer { try Self.json(try await records.trace(request.query)) }
            }
            router.post("/runs/:id/:action") { request, context in
                try await answer {
                    try await act(
                        context.parameters.require("action"), on: context.parameters.require("id"), request, engine)
                }
            }
        }
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

    private func act(
        _ action: String, on id: String, _ request: Request, _ engine: Engine
    ) async throws -> Response {
        let query = request.query
        switch action {
        case "retry": return try Self.json(RunRecord(try await engine.retry(id)))
        case "restart":
            return try Self.json(RunRecord(try await engine.restart(id, repeating: query["repeating"] == "true")))
        case "cancel": return try Self.json(RunRecord(try await engine.cancel(id)))
        case "wake": return try Self.json(RunRecord(try await engine.wake(id)))
        case "resolve":
            guard let finding = Engine.Finding(word: query["finding"]) else {
                return try Self.message("a finding is needed: sent, resend or not_sent", .badRequest)
            }
            return try Self.json(RunRecord(try await engine.resolve(id, finding)))
        default: return try Self.message("there is no action \(action)", .notFound)
        }
    }

    /// Gives the engine's errors as answers.
    private func answer(_ body: () async throws -> Response) async throws -> Response {
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

extension Request {
    /// The query, with the last of those that have one name.
    var query: [String: String] {
        Dictionary(
            uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { $1 })
    }
}
