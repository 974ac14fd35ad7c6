import Conversations
import CustomDump
import Foundation
import GRDB
import HTTPTypes
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct ErrorShapeTests {
    @Test(arguments: [
        Caller.Key.none, .text("Bearer wrong"), .text("Basic sk_test_key"), .text("sk_test_key"), .text("Bearer"),
        .simulation,
    ])
    func `a missing or wrong key is unauthorized`(key: Caller.Key) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("GET", "/v1/conversations", key: key)
            expectNoDifference(answer.status, 401)
            expectNoDifference(answer.headers[.wwwAuthenticate], "Bearer")
            expectNoDifference(answer.json["error"]?.text("code"), "UNAUTHORIZED")
            let simulation = try await call("GET", "/sim/phones", key: .api)
            expectNoDifference(simulation.status, 401)
        }
    }

    @Test func `the scheme's name has no case, and any of several keys will do`() async throws {
        let fixture = try GatewayFixture { $0.apiKeys = ["other", "sk_test_key"] }
        try await fixture.routes { call in
            expectSame(
                try await call("GET", "/v1/conversations", key: .text("bearer sk_test_key")).status, 200)
        }
    }

    @Test(arguments: ["/", "/v1", "/v1/unknown", "/v2/conversations", "/v1/conversations/a/b/c", "/media", "/sim"])
    func `an unknown path is not found, in the error shape`(path: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("GET", path)
            expectNoDifference(answer.status, 404)
            expectNoDifference(answer.json["error"]?.text("type"), "not_found")
            expectNoDifference(answer.headers[.contentType], "application/json")
        }
    }

    @Test(arguments: [
        ("DELETE", "/v1/conversations", "GET"), ("PUT", "/v1/conversations/x", "GET, PATCH"),
        ("GET", "/v1/messages", "POST"), ("TRACE", "/v1/webhooks", "DELETE, GET, POST"),
        ("POST", "/media/x", "GET, HEAD"), ("BREW", "/sim/phones", "GET, POST"),
        ("DELETE", "/v1/contacts/capabilities", "GET"), ("PUT", "/v1/contacts/x", "DELETE, GET, PATCH"),
    ])
    func `another method is refused with those allowed`(method: String, path: String, allowed: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call(method, path)
            expectNoDifference(answer.status, 405)
            expectNoDifference(answer.headers[.allow], allowed)
            expectNoDifference(answer.json["error"]?.text("code"), "METHOD_NOT_ALLOWED")
        }
    }

    @Test func `a body past the limit is too large`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let body = Data(repeating: 0x20, count: Call.bodyByteLimit + 1)
            for (method, path) in [
                ("POST", "/v1/messages"), ("PATCH", "/v1/conversations/x"), ("POST", "/v1/webhooks"),
            ] {
                let answer = try await call(method, path, raw: body)
                expectNoDifference(answer.status, 413)
                expectNoDifference(answer.json["error"]?.text("code"), "PAYLOAD_TOO_LARGE")
            }
        }
    }

    @Test func `a full disk answers 507, and calls that fit go on`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try fixture.gateway.store.writeAtStart { database in
            // SQLite reports a database at its largest size as it does a full disk.
            try database.execute(sql: "PRAGMA max_page_count = 1")
        }
        try await fixture.routes { call in
            let large = JSONValue.string(String(repeating: "x", count: 200_000))
            let answer = try await call("PATCH", "/v1/conversations/conv_def456", ["metadata": ["large": large]])
            expectNoDifference(answer.status, 507)
            expectNoDifference(answer.json["error"]?.text("code"), "STORAGE_FULL")
            let kept = try await call("GET", "/v1/conversations/conv_def456")
            expectNoDifference(kept.json["metadata"], ["customerName": "Jane Doe", "orderId": "ORD-12345"])
            expectSame(try await call("PATCH", "/v1/conversations/conv_def456", ["metadata": nil]).status, 200)
        }
    }

    @Test func `what AgentPhone documents and the gateway leaves out says so`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            for endpoint in Endpoint.leftOut {
                let path = endpoint.path.replacing("{", with: "").replacing("}", with: "")
                let answer = try await call(endpoint.method.rawValue, path)
                expectNoDifference(answer.status, 501)
                expectNoDifference(answer.json["error"]?.text("type"), "not_implemented")
            }
        }
    }
}
