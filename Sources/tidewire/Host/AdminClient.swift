import AsyncHTTPClient
import Conversations
import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import Rules

/// Nothing runs with a state directory.
struct NoHost: Error {
    var folder: String

    var message: String {
        "no tidewire runs with the state directory \(folder): start `tidewire dev`, or name it with --state-directory"
    }
}

/// Talks to the process that runs with a state directory.
struct AdminClient: RecordReader {
    /// Of answers that are not streamed, in bytes.
    private static let bodyLimit = 16 << 20
    /// For what may have to look at everything that is kept.
    private static let longPatience = TimeAmount.hours(1)

    private let socket: String
    private let folder: String
    private let client: HTTPClient
    /// How long to wait for an answer to begin.
    private let patience: TimeAmount

    /// - Throws: ``StateError`` if there is no such state directory.
    init(
        _ directory: StateDirectory, client: HTTPClient, patience: TimeAmount = .seconds(30)
    ) throws(StateError) {
        self.patience = patience
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
            } catch is NoHost {
                return nil
            }
        }
    }

    func reload() async throws -> [AdminReload] {
        try await decode([AdminReload].self, from: await execute(.POST, "/reload", patience: Self.longPatience))
    }

    func events(_ query: [String: String]) async throws -> [EventRecord] {
        try await parts(EventRecord.self, of: await execute(.GET, "/events", query))
    }

    func runs(_ query: [String: String]) async throws -> [RunRecord] {
        try await parts(RunRecord.self, of: await execute(.GET, "/runs", query))
    }

    func trace(_ query: [String: String]) async throws -> TraceRecord {
        try await trace(from: await execute(.GET, "/trace", query))
    }

    /// What became of an event, without what its runs did; nil as long as none has that identity.
    func outline(identity: String) async throws -> TraceRecord? {
        let response = try await execute(.GET, "/trace", ["identity": identity, "brief": "true"])
        if response.status == .notFound { return nil }
        return try await trace(from: response)
    }

    func standstill() async throws -> AdminStandstill { try await get(AdminStandstill.self, "/standstill") }

    func pause(_ subject: String, reason: String?) async throws -> PauseRecord {
        let query = ["subject": subject, "reason": reason].compactMapValues { $0 }
        return try await decode(PauseRecord.self, from: await execute(.POST, "/pause", query))
    }

    /// - Returns: How many runs go on.
    func resume(_ subject: String) async throws -> Int {
        let response = try await execute(.POST, "/resume", ["subject": subject], patience: Self.longPatience)
        return try await decode([String: Int].self, from: response)["runs"] ?? 0
    }

    func optOuts(of participant: String) async throws -> [RuleHost.OptOut] {
        try await get([RuleHost.OptOut].self, "/opt-outs", ["participant": participant])
    }

    func setOptOut(of participant: String, from number: String, to isOut: Bool, reason: String) async throws {
        let query = ["participant": participant, "number": number, "out": "\(isOut)", "reason": reason]
        _ = try await decode([RuleHost.OptOut].self, from: await execute(.POST, "/opt-outs", query))
    }

    func forget(_ participant: String) async throws -> ForgetReport {
        let response = try await execute(
            .POST, "/forget", ["participant": participant], patience: Self.longPatience)
        return try await decode(ForgetReport.self, from: response)
    }

    /// Has something done with an event: `replay` or `retry`.
    func act(_ action: String, onEvent number: Int64, _ query: [String: String] = [:]) async throws -> TraceRecord {
        let response = try await execute(
            .POST, "/events/\(number)/\(action)", query, patience: Self.longPatience)
        return try await trace(from: response)
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
        _ method: HTTPMethod, _ path: String, _ query: [String: String] = [:], patience other: TimeAmount? = nil
    ) async throws -> HTTPClientResponse {
        var components = URLComponents()
        components.queryItems = query.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
        let uri = query.isEmpty ? path : "\(path)?\(components.percentEncodedQuery ?? "")"
        guard let url = URL(httpURLWithSocketPath: socket, uri: uri) else {
            throw CommandError(ExitStatus.failed, "the socket's path \(socket) can't be used in a URL")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        let patience = other ?? patience
        do {
            return try await client.execute(request, timeout: patience)
        } catch {
            throw failure(error, patience)
        }
    }
}

extension AdminClient {
    /// Tells a host that isn't there from one that doesn't answer.
    private func failure(_ error: any Error, _ patience: TimeAmount) -> any Error {
        switch error {
        case let error as IOError where [ENOENT, ECONNREFUSED].contains(error.errnoCode): return NoHost(folder: folder)
        case let error as HTTPClientError
        where [.deadlineExceeded, .connectTimeout, .readTimeout].contains(error):
            let seconds = patience.nanoseconds / 1_000_000_000
            return CommandError(
                ExitStatus.unavailable,
                "the host that runs with \(folder) did not answer within \(seconds) s: it may be busy, and may still do "
                    + "what it was asked; try again, or see its log")
        default:
            return CommandError(
                ExitStatus.unavailable, "the host that runs with \(folder) did not answer: \(error); see its log")
        }
    }

    fileprivate func decode<Value: Decodable>(
        _ type: Value.Type, from response: HTTPClientResponse
    ) async throws -> Value {
        let body: Data
        do {
            body = Data(try await response.body.collect(upTo: Self.bodyLimit).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw CommandError(ExitStatus.failed, "the host's answer has more than \(Self.bodyLimit) bytes")
        } catch {
            throw failure(error, patience)
        }
        guard response.status == .ok else {
            let message = (try? JSONValue(parsing: body))?["message"]?.string ?? "status \(response.status.code)"
            throw CommandError(response.status == .badRequest ? ExitStatus.usage : ExitStatus.failed, message)
        }
        return try JSON.decode(type, from: body)
    }

    fileprivate func trace(from response: HTTPClientResponse) async throws -> TraceRecord {
        guard let trace = TraceRecord(try await parts(TracePart.self, of: response)) else {
            throw CommandError(ExitStatus.failed, "the host's answer names no event")
        }
        return trace
    }

    /// Reads a streamed answer of any size.
    fileprivate func parts<Part: Codable & Sendable>(
        _ type: Part.Type, of response: HTTPClientResponse
    ) async throws -> [Part] {
        guard response.status == .ok else { return try await decode([Part].self, from: response) }
        var reader = LineSplitter()
        var parts: [Part] = []
        var isWhole = false
        do {
            for try await buffer in response.body {
                for line in reader.lines(in: Data(buffer.readableBytesView)) {
                    let line = try JSON.decode(AdminStreamLine<Part>.self, from: line)
                    if let error = line.error { throw CommandError(ExitStatus.failed, error) }
                    if let part = line.part { parts.append(part) }
                    isWhole = isWhole || line.isWhole == true
                }
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw failure(error, patience)
        }
        guard isWhole else {
            throw CommandError(
                ExitStatus.unavailable, "the host that runs with \(folder) stopped in the middle of its answer")
        }
        return parts
    }
}

/// Takes bytes as they come and gives whole lines.
struct LineSplitter {
    private var rest = Data()

    /// - Returns: The lines that end in `data`, without their ends.
    mutating func lines(in data: Data) -> [Data] {
        var lines: [Data] = []
        var start = data.startIndex
        while let end = data[start...].firstIndex(of: 0x0A) {
            lines.append(rest + data[start..<end])
            rest = Data()
            start = end + 1
        }
        rest.append(data[start...])
        return lines
    }
}
