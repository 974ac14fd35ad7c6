import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct DeliveryContentTests {
    @Test func `a delivery has the sender's contact, or null`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let contact = try await call(
                "POST", "/v1/contacts", ["phoneNumber": "+15559876543", "name": "Jane", "email": "jane@example.com"]
            ).json
            let expected: JSONValue = [
                "id": .string(contact.text("id")), "name": "Jane", "email": "jane@example.com",
                "phoneNumber": "+15559876543",
            ]
            for (sender, contact) in [
                ("+15559876543", expected), ("jane@example.com", expected), ("+15550000001", .null),
            ] {
                let payload = try await Self.payload(fixture, call) { try await call.text("Hi", from: sender) }
                expectNoDifference(payload["data"]?["contact"], contact)
            }
        }
    }

    @Test func `a phone's reply names the message that it answers, in the API and in the delivery`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            try await call.text("Hi")
            let question = try await call(
                "POST", "/v1/messages",
                ["from_number": "+15551234567", "to_number": "+15559876543", "body": "Which order?"]
            ).json.text("id")
            let target: JSONValue = ["messageId": .string(question), "message": "Which order?", "mediaUrls": []]
            let payload = try await Self.payload(fixture, call) {
                let answer = try await call(
                    "POST", "/sim/messages",
                    ["from": "+15559876543", "body": "ORD-1", "reply_to": .string(question)], key: .simulation)
                expectNoDifference(answer.json["messages"]?.items.first?["replyTo"], target)
                let id = answer.json.text("conversation_id")
                let list = try await call("GET", "/v1/conversations/\(id)/messages?limit=1")
                expectNoDifference(list.json["data"]?.items.first?["replyTo"], target)
            }
            expectNoDifference(payload["data"]?["replyTo"], target)
        }
    }

    @Test func `a reply by SMS is none, and one to another conversation's message is refused`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let other = try await call.text("Hi", from: "+15550000001").text("message_ids", "0")
            for target in [other, "msg_unknown"] {
                let refused = try await call(
                    "POST", "/sim/messages", ["from": "+15559876543", "body": "x", "reply_to": .string(target)],
                    key: .simulation)
                expectNoDifference(refused.status, 404)
                expectNoDifference(refused.json.text("detail"), "Reply target not found.")
            }
            _ = try await call("POST", "/sim/phones", ["address": "+15550000002", "imessage": false], key: .simulation)
            let first = try await call.text("Hi", from: "+15550000002").text("message_ids", "0")
            let reply = try await call(
                "POST", "/sim/messages", ["from": "+15550000002", "body": "x", "reply_to": .string(first)],
                key: .simulation)
            expectNoDifference(reply.status, 200)
            expectNoDifference(reply.json["messages"]?.items.first?["replyTo"], nil)
        }
    }

    @Test func `shuffled deliveries come each once, and not in order`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                let gateway = fixture.gateway
                _ = try await gateway.setWebhook(WebhookRequest(url: url))
                expectSame(try await gateway.phones.shufflesWebhooks(), false)
                try await gateway.phones.setShufflesWebhooks(true)
                let sent = (10..<40).map { "\($0)" }
                for text in sent { try await gateway.phones.send(from: "+15559876543", body: text) }
                fixture.clock.advance(by: EventComposer.shuffleSpan)
                var received: [String] = []
                for _ in sent {
                    received.append(try #require(await consumer.next()).json["data"]?.text("message") ?? "")
                }
                // That 30 keep their order by chance is as likely as 1 in 10^32.
                #expect(received != sent)
                expectNoDifference(received.sorted(), sent)
            }
        }
    }

    @Test func `the switches keep what a request leaves out`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let path = "/sim/webhooks"
            for (change, after) in [
                (["shuffle": true], ["deliver": true, "shuffle": true]),
                (["deliver": false], ["deliver": false, "shuffle": true]),
                ([:], ["deliver": false, "shuffle": true]),
                (["deliver": true, "shuffle": false], ["deliver": true, "shuffle": false]),
            ] as [(JSONValue, JSONValue)] {
                expectSame(try await call("PUT", path, change, key: .simulation).json, after)
                expectSame(try await call("GET", path, key: .simulation).json, after)
            }
        }
    }

    /// The body of the delivery that `body` brings about.
    private static func payload(
        _ fixture: GatewayFixture, _ call: Caller, _ body: () async throws -> Void
    ) async throws -> JSONValue {
        _ = try await call("POST", "/v1/webhooks", ["url": "http://127.0.0.1:9/hook"])
        try await body()
        let due = try await fixture.gateway.store.read { database in
            try DeliveryTable.due(database, .project, at: Timestamp(microseconds: .max), limit: 100)
        }
        return try JSONValue(parsing: Data(try #require(due.max { $0.row < $1.row }).payload.utf8))
    }
}
