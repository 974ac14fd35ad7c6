import AsyncHTTPClient
import Conversations
import Foundation
import NIOCore
import NIOHTTP1

/// Talks to the process that runs with a state directory.
struct AdminClient: Sendable {
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

    func reload() async throws -> [AdminReload] {
        try await decode([AdminReload].self, from: await execute(.POST, "/reload"))
    }

    /// What became of an event; nil as long as none has that identity.
    func event(identity: String) async throws -> AdminEvent? {
        var components = URLComponents()
        components.queryItems = [URLQueryItem(name: "identity", value: identity)]
        let response = try await execute(.GET, "/event?" + (components.percentEncodedQuery ?? ""))
        if response.status == .notFound { return nil }
        return try await decode(AdminEvent.self, from: response)
    }

    private func get<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        try await decode(type, from: await execute(.GET, path))
    }

    private func execute(_ method: HTTPMethod, _ path: String) async throws -> HTTPClientResponse {
        guard let url = URL(httpURLWithSocketPath: socket, uri: path) else {
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
            throw CommandError(ExitStatus.failed, message)
        }
        return try JSON.decode(type, from: body)
    }
}
