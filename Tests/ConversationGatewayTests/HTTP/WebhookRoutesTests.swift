import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct WebhookRoutesTests {
    @Test func `no webhook is null, and removing it succeeds all the same`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let none = try await call("GET", "/v1/webhooks")
            expectNoDifference(none.status, 200)
            expectNoDifference(String(decoding: none.body, as: UTF8.self), "null")
            expectSame(try await call("DELETE", "/v1/webhooks").json, ["success": true])
        }
    }

    @Test func `setting it answers the documented keys, and a second time makes a new secret`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let first = try await call("POST", "/v1/webhooks", ["url": "https://example.com/hook", "contextLimit": 5])
            expectNoDifference(first.status, 200)
            expectNoDifference(
                first.json.without("id", "secret"),
                [
                    "url": "https://example.com/hook", "status": "active", "contextLimit": 5, "timeout": 30,
                    "createdAt": "2025-01-15T12:00:00Z",
                ])
            #expect(first.json.text("secret").hasPrefix("whsec_"))
            expectSame(try await call("GET", "/v1/webhooks").json, first.json)
            fixture.clock.advance(by: .seconds(1))
            let second = try await call("POST", "/v1/webhooks", ["url": "https://example.com/other", "timeout": 120])
            #expect(second.json.text("secret") != first.json.text("secret"))
            // What is left out takes its default, not its former value.
            expectNoDifference(second.json["contextLimit"], 10)
            expectNoDifference(second.json["id"], first.json["id"])
            expectNoDifference(second.json["createdAt"], first.json["createdAt"])
            expectSame(try await call("DELETE", "/v1/webhooks").status, 200)
            expectSame(try await call("GET", "/v1/webhooks").json, .null)
        }
    }

    @Test(arguments: [
        (#"{}"#, "url"), (#"{"url":7}"#, "url"), (#"{"url":""}"#, "url"), (#"{"url":"example.com"}"#, "url"),
        (#"{"url":"https://example.com","contextLimit":51}"#, "contextLimit"),
        (#"{"url":"https://example.com","contextLimit":-1}"#, "contextLimit"),
        (#"{"url":"https://example.com","contextLimit":"5"}"#, "contextLimit"),
        (#"{"url":"https://example.com","timeout":4}"#, "timeout"),
        (#"{"url":"https://example.com","timeout":121}"#, "timeout"),
        (#"{"url":"https://example.com","timeout":10000000000}"#, "timeout"),
        (#"{"url":"https://example.com","timeout":5.5}"#, "timeout"),
        (#"{"url":"https://example.com","timeout":99999999999999999999}"#, "timeout"),
    ])
    func `what is out of bounds is refused with the field's name`(body: String, field: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("POST", "/v1/webhooks", raw: Data(body.utf8))
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), field)
            expectSame(try await call("GET", "/v1/webhooks").json, .null)
        }
    }

    @Test func `a local target is refused unless the gateway allows it`() async throws {
        let fixture = try GatewayFixture { $0.allowsLocalWebhooks = false }
        try await fixture.routes { call in
            for url in ["http://example.com/hook", "https://127.0.0.1/hook", "https://192.168.0.1/hook"] {
                expectSame(try await call("POST", "/v1/webhooks", ["url": .string(url)]).status, 422)
            }
        }
    }
}
