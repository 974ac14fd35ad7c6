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
        if let engine {
            router.get("/events") { request, _ in try await answer { try await events(request, engine) } }
            router.get("/runs") { request, _ in try await answer { try await runs(request, engine) } }
            router.get("/trace") { request, _ in try await answer { try await trace(request, engine) } }
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

    private func events(_ request: Request, _ engine: Engine) async throws -> Response {
        let query = AdminQuery(request)
        var filter = EventFilter()
        filter.states = Set(try query.words("state", as: EventState.self))
        filter.queue = query["conversation"]
        filter.kind = query["kind"]
        filter.before = query["before"].flatMap(Int64.init)
        filter.limit = try query.limit()
        return try Self.json(try await engine.events(filter).map(EventRecord.init))
    }

    private func runs(_ request: Request, _ engine: Engine) async throws -> Response {
        let query = AdminQuery(request)
        var filter = InvocationFilter()
        filter.states = Set(try query.words("state", as: InvocationState.self))
        filter.queue = query["conversation"]
        filter.rule = query["rule"]
        filter.before = query["before"]
        filter.limit = try query.limit()
        return try Self.json(try await engine.invocations(filter).map(RunRecord.init))
    }

    /// `?event=7`, `?run=inv_…`, or `?identity=message:ID`.
    private func trace(_ request: Request, _ engine: Engine) async throws -> Response {
        let query = AdminQuery(request)
        let sequence: Int64
        if let run = query["run"] {
            sequence = try await engine.trace(ofInvocation: run).invocation.event
        } else if let identity = query["identity"] {
            guard let event = try await engine.event(identity: identity) else {
                return try Self.message("no event has the identity \(identity)", .notFound)
            }
            sequence = event.sequence
        } else if let text = query["event"], let number = Int64(text) {
            sequence = number
        } else {
            return try Self.message("an event's number or a run's id is needed", .badRequest)
        }
        return try Self.json(TraceRecord(try await engine.trace(ofEvent: sequence)))
    }

    private func act(
        _ action: String, on id: String, _ request: Request, _ engine: Engine
    ) async throws -> Response {
        let query = AdminQuery(request)
        switch action {
        case "retry": return try Self.json(RunRecord(try await engine.retry(id)))
        case "restart":
            return try Self.json(RunRecord(try await engine.restart(id, repeating: query["repeating"] == "true")))
        case "cancel": return try Self.json(RunRecord(try await engine.cancel(id)))
        case "wake": return try Self.json(RunRecord(try await engine.wake(id)))
        case "resolve":
            guard let finding = query.finding else {
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
            return try Self.message(error.message, .badRequest)
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

/// A request's query, read as the tool's commands write it.
private struct AdminQuery {
    private let request: Request

    init(_ request: Request) {
        self.request = request
    }

    subscript(name: String) -> String? { request.uri.queryParameters[Substring(name)].map(String.init) }

    /// Several words, separated by commas.
    func words<Word: RawRepresentable & CaseIterable>(
        _ name: String, as type: Word.Type
    ) throws -> [Word] where Word.RawValue == String {
        try (self[name] ?? "").split(separator: ",").map { text in
            guard let word = Word(rawValue: String(text)) else {
                let known = Word.allCases.map(\.rawValue)
                throw CommandError(
                    ExitStatus.usage, "\(name) \(text)\(NearestName.suggestion(for: String(text), among: known))")
            }
            return word
        }
    }

    func limit() throws -> Int {
        guard let text = self["limit"] else { return 20 }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw CommandError(ExitStatus.usage, "limit must be 1 to 1000")
        }
        return limit
    }

    var finding: Engine.Finding? {
        switch self["finding"] {
        // Nobody knows more of it than that it took place.
        case "sent": .sent(outcome: Data("{}".utf8))
        case "resend": .resend
        case "not_sent": .notSent
        default: nil
        }
    }
}
