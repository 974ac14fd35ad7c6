import Conversations
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import TestSupport
import Testing

@testable import ConversationGateway

/// A gateway on a directory of its own, under a clock that moves when told.
struct GatewayFixture: Sendable {
    static let apiKey = "sk_test_key"
    static let simulationToken = "sim_test_token"
    static let number = "+15551234567"
    static let participant = "+15559876543"

    let gateway: Gateway
    let clock: ManualClock
    let directory: URL

    /// - Parameter directory: A directory that another gateway left; a new one if nil.
    init(
        in directory: URL? = nil, clock: ManualClock = ManualClock(), guardian: AddressGuard? = nil,
        change: (inout GatewayConfiguration) -> Void = { _ in }
    ) throws {
        self.clock = clock
        self.directory =
            directory ?? FileManager.default.temporaryDirectory.appendingPathComponent("gateway-\(UUID().uuidString)")
        var configuration = GatewayConfiguration(
            directory: self.directory, apiKeys: [Self.apiKey], simulationToken: Self.simulationToken,
            allowsLocalWebhooks: true)
        change(&configuration)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        gateway = try Gateway(
            configuration, guardian: guardian ?? AddressGuard(allowsLocal: configuration.allowsLocalWebhooks),
            clock: clock, now: { clock.date }, logger: logger)
    }

    /// Runs `body` on the gateway's routes, without a socket, then removes the directory.
    func routes<Value: Sendable>(_ body: @Sendable (Caller) async throws -> Value) async throws -> Value {
        defer { remove() }
        return try await gateway.application().test(.router) { try await body(Caller(client: $0)) }
    }

    /// Runs the gateway on a port while `body` runs.
    func running<Value: Sendable>(_ body: @Sendable (Int) async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gateway.run() }
            let value = try await body(try await gateway.boundPort)
            group.cancelAll()
            return value
        }
    }

    func remove() {
        try? FileManager.default.removeItem(at: directory)
    }
}

/// Calls routes and reads their answers as JSON.
struct Caller: Sendable {
    enum Key: Sendable { case api, simulation, text(String), none }

    struct Answer: Sendable {
        var status: Int
        var json: JSONValue
        var headers: HTTPFields
        var body: Data
    }

    let client: any TestClientProtocol

    func callAsFunction(
        _ method: String, _ path: String, _ json: JSONValue? = nil, raw: Data? = nil, key: Key = .api,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        var fields = HTTPFields()
        switch key {
        case .api: fields[.authorization] = "Bearer \(GatewayFixture.apiKey)"
        case .simulation: fields[.authorization] = "Bearer \(GatewayFixture.simulationToken)"
        case .text(let text): fields[.authorization] = text
        case .none: break
        }
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        let body = try raw ?? json.map { try $0.text() }
        let method = try #require(HTTPRequest.Method(method))
        return try await client.execute(
            uri: path, method: method, headers: fields, body: body.map { ByteBuffer(bytes: $0) }
        ) { response in
            let data = Data(response.body.readableBytesView)
            let answer = Answer(
                status: Int(response.status.code), json: (try? JSONValue(parsing: data)) ?? .null,
                headers: response.headers, body: data)
            Contract.check(method.rawValue, path, answer)
            return answer
        }
    }

    /// A text from a phone; returns the answer of `/sim/messages`.
    @discardableResult
    func text(
        _ body: String, from: String = GatewayFixture.participant, media: [JSONValue] = []
    ) async throws -> JSONValue {
        let answer = try await self(
            "POST", "/sim/messages", ["from": .string(from), "body": .string(body), "media": .array(media)],
            key: .simulation)
        #expect(answer.status == 200, "\(answer.json)")
        return answer.json
    }
}

extension JSONValue {
    /// The text under a path of keys and positions, such as `["data", "0", "id"]`.
    func text(_ path: String...) -> String {
        path.reduce(self as JSONValue?) { value, step in
            if case .array(let items)? = value, let index = Int(step), items.indices.contains(index) {
                return items[index]
            }
            return value?[step]
        }?.string ?? ""
    }

    var items: [JSONValue] {
        guard case .array(let items) = self else { return [] }
        return items
    }

    /// A copy without these keys, for those that differ from run to run.
    func without(_ keys: String...) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !keys.contains($0.key) })
    }
}
