import AsyncHTTPClient
import Conversations
import Foundation
import NIOCore
import NIOHTTP1

/// Requests as any client makes them.
struct HTTP: Sendable {
    struct Answer: Sendable {
        var status: Int
        var body: Data

        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    }

    var base: String
    var token: String?

    func get(_ path: String) async throws -> Answer { try await send(.GET, path) }

    func post(_ path: String, _ json: JSONValue) async throws -> Answer {
        try await send(.POST, path, try json.text())
    }

    func patch(_ path: String, _ json: JSONValue) async throws -> Answer {
        try await send(.PATCH, path, try json.text())
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: Data? = nil, type: String = "application/json",
        headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let data = Data(try await response.body.collect(upTo: 16 << 20).readableBytesView)
        return Answer(status: Int(response.status.code), body: data)
    }
}
