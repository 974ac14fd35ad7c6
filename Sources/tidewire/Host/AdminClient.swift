import AsyncHTTPClient
import Conversations
import Foundation
import NIOCore
import NIOHTTP1
import Rules

/// Talks to the process that runs with a state directory.
struct AdminClient: RecordReader {
    private static let bodyLimit = 4 << 20

    private let socket: String
    private let folder: String
    private let client: HTTPClient

    /// - Throws: ``StateError`` if there is no such state directory.
    init(_ directory: StateDirectory, client: HTTPClient) throws(StateError) {
        socket = try directory.adminSocket()
        folder = directory.path
        self.client = client
    }

    func status() async throws -> AdminStatus { try await get(AdminStatus.self, "/status") }

    /// What runs here; nil if nothing does.
    var statusIfReachable: AdminStatus? {
        get async throws {
            do {
                return try await status()
            } catch let error as CommandError where error.status == ExitStatus.unavailable {
                return nil
            }
        }
    }

    func reload() async throws -> [AdminReload] {
        try await decode([AdminReload].self, from: await execute(.POST, "/reload"))
    }

    func events(_ query: [String: String]) async throws -> [EventRecord] {
        try await get([EventRecord].self, "/events", query)
    }

    func runs(_ query: [String: String]) async throws -> [RunRecord] { try await get([RunRecord].self, "/runs", query) }

    func trace(_ query: [String: String]) async throws -> TraceRecord {
        try await get(TraceRecord.self, "/trace", query)
    }

    /// What became of an event; nil as long as none has that identity.
    func trace(identity: String) async throws -> TraceRecord? {
        let response = try await execute(.GET, "/trace", ["identity": identity])
        if response.status == .notFound { return nil }
        return try await decode(TraceRecord.self, from: response)
    }

    func standstill() async throws -> AdminStandstill { try await get(AdminStandstill.self, "/standstill") }

    func pause(_ subject: String, reason: String?) async throws -> PauseRecord {
        let query = ["subject": subject, "reason": reason].compactMapValues { $0 }
        return try await decode(PauseRecord.self, from: await execute(.POST, "/pause", query))
    }

    /// - Returns: How many runs go on.
    func resume(_ subject: String) async throws -> Int {
        try await decode([String: Int].self, from: await execute(.POST, "/resume", ["subject": subject]))["runs"] ?? 0
    }

    func optOuts(of participant: String) async throws -> [RuleHost.OptOut] {
        try await get([RuleHost.OptOut].self, "/opt-outs", ["participant": participant])
    }

    func setOptOut(of participant: String, from number: String, to isOut: Bool, reason: String) async throws {
        let query = ["participant": participant, "number": number, "out": "\(isOut)", "reason": reason]
        _ = try await decode([RuleHost.OptOut].self, from: await execute(.POST, "/opt-outs", query))
    }

    func forget(_ participant: String) async throws -> ForgetReport {
        try await decode(
            ForgetReport.self, from: await execute(.POST, "/forget", ["participant": participant]))
    }

    /// Has something done with an event: `replay` or `retry`.
    func act(_ action: String, onEvent number: Int64, _ query: [String: String] = [:]) async throws -> TraceRecord {
        try await decode(TraceRecord.self, from: await execute(.POST, "/events/\(number)/\(action)", query))
    }

    /// Has something done with a run.
    func act(_ action: String, on run: String, _ query: [String: String] = [:]) async throws -> RunRecord {
        let id = run.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["_"])) ?? ""
        return try await decode(RunRecord.self, from: await execute(.POST, "/runs/\(id)/\(action)", query))
    }

    private func get<Value: Decodable>(
        _ type: Value.Type, _ path: String, _ query: [String: String] = [:]
    ) async throws -> Value {
        try await decode(type, from: await execute(.GET, path, query))
    }

    private func execute(
        _ method: HTTPMethod, _ path: String, _ query: [String: String] = [:]
    ) async throws -> HTTPClientResponse {
        var components = URLComponents()
        components.queryItems = query.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
        let uri = query.isEmpty ? path : "\(path)?\(components.percentEncodedQuery ?? "")"
        guard let url = URL(httpURLWithSocketPath: socket, uri: uri) else {
            throw CommandError(ExitStatus.failed, "the socket's path \(socket) can't be used in a URL")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        do {
            return try await client.execute(request, timeout: .seconds(30))
        } catch {
            throw CommandError(
                ExitStatus.unavailable,
                "no tidewire runs with the state directory \(folder): start `tidewire dev`, or name it with "
                    + "--state-directory")
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from response: HTTPClientResponse) async throws -> Value {
        let body = Data(try await response.body.collect(upTo: Self.bodyLimit).readableBytesView)
        guard response.status == .ok else {
            let message = (try? JSONValue(parsing: body))?["message"]?.string ?? "status \(response.status.code)"
            throw CommandError(response.status == .badRequest ? ExitStatus.usage : ExitStatus.failed, message)
        }
        return try JSON.decode(type, from: body)
    }
}
