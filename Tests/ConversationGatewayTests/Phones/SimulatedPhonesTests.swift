import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct SimulatedPhonesTests {
    @Test func `a phone is set up, changed and listed`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let made = try await call(
                "POST", "/sim/phones", ["address": "+1 555 000 0001", "imessage": false], key: .simulation)
            expectNoDifference(
                made.json,
                ["address": "+15550000001", "imessage": false, "created_at": "2025-01-15T12:00:00Z"])
            fixture.clock.advance(by: .seconds(1))
            _ = try await call("POST", "/sim/phones", ["address": "jane@Example.com"], key: .simulation)
            let changed = try await call(
                "POST", "/sim/phones", ["address": "+15550000001", "imessage": true], key: .simulation)
            expectNoDifference(changed.json["created_at"], "2025-01-15T12:00:00Z")
            let list = try await call("GET", "/sim/phones", key: .simulation).json
            expectNoDifference(list["data"]?.items.map { $0.text("address") }, ["+15550000001", "jane@example.com"])
            expectNoDifference(list["data"]?.items.map { $0["imessage"] }, [true, true])
        }
    }

    @Test func `pictures sent together by iMessage arrive as messages of their own, the text after them`() async throws
    {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let sent = try await call.text(
                "look", media: ["https://example.com/1.png", "https://example.com/2.png"])
            let messages = sent["messages"]?.items ?? []
            expectNoDifference(messages.map { $0.text("body") }, ["", "", "look"])
            expectNoDifference(
                messages.map { $0["mediaUrl"] },
                ["https://example.com/1.png", "https://example.com/2.png", .null])
            expectNoDifference(sent["message_ids"], .array(messages.map { $0["id"] ?? nil }))
            let id = sent.text("conversation_id")
            expectSame(try await call("GET", "/v1/conversations/\(id)").json["messageCount"], 3)
        }
    }

    @Test func `a phone without iMessage sends SMS, and pictures together as one MMS`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add(GatewayFixture.participant, imessage: false)
        try await fixture.routes { call in
            expectSame(try await call.text("hi").text("messages", "0", "channel"), "sms")
            let sent = try await call.text(
                "look", media: ["https://example.com/1.png", "https://example.com/2.png"])
            expectNoDifference(sent["messages"]?.items.count, 1)
            expectNoDifference(sent.text("messages", "0", "channel"), "mms")
            expectNoDifference(sent.text("messages", "0", "mediaUrl"), "https://example.com/1.png")
        }
    }

    @Test func `a phone that nobody set up is one with iMessage`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            expectSame(
                try await call.text("hi", from: "jane@example.com").text("messages", "0", "channel"), "imessage")
            let list = try await call("GET", "/sim/phones", key: .simulation).json
            expectNoDifference(list["data"]?.items.map { $0["imessage"] }, [true])
        }
    }

    @Test(arguments: [
        ("/sim/phones", #"{"address":"nobody"}"#, 422, "address"),
        ("/sim/phones", #"{"address":"jane@example.com","imessage":false}"#, 422, "imessage"),
        ("/sim/messages", #"{"body":"x"}"#, 422, "from"), ("/sim/messages", #"{"from":"+15550000001"}"#, 422, "body"),
        ("/sim/messages", #"{"from":"+15550000001","body":"x","media":["file:///etc/passwd"]}"#, 422, "media"),
        ("/sim/messages", #"{"from":"+15550000001","body":"x","to":"+15550009999"}"#, 404, ""),
        ("/sim/reactions", #"{"from":"+15550000001","message_id":"msg_none","reaction":"love"}"#, 404, ""),
        ("/sim/reactions", #"{"from":"+15550000001","message_id":"msg_008","reaction":"love"}"#, 404, ""),
        ("/sim/reactions", #"{"from":"+15559876543","message_id":"msg_008","reaction":"wow"}"#, 422, "reaction"),
        ("/sim/webhooks", #"{}"#, 405, ""),
    ])
    func `a wrong call is refused`(path: String, body: String, status: Int, field: String) async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("POST", path, raw: Data(body.utf8), key: .simulation)
            expectNoDifference(answer.status, status)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field") ?? "", field)
        }
    }

    @Test func `the simulation is closed to pages from elsewhere`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            for (origin, status) in [
                ("https://evil.example", 403), ("null", 403), ("http://localhost.evil.example", 403),
                ("http://localhost:8080", 200), ("http://127.0.0.1:5173", 200), ("http://[::1]:80", 200),
            ] {
                let answer = try await call("GET", "/sim/phones", key: .simulation, headers: ["Origin": origin])
                expectNoDifference(answer.status, status, "\(origin)")
            }
        }
    }

    @Test func `the sample is made once, and nothing of it is delivered`() async throws {
        let fixture = try GatewayFixture()
        let gateway = fixture.gateway
        _ = try await gateway.setWebhook(WebhookRequest(url: "http://127.0.0.1:9/hook"))
        let first = try await gateway.phones.seedSample()
        expectSame(try await gateway.phones.seedSample(), first)
        expectSame(try await gateway.conversation(first.conversationID, messageLimit: 1).conversation.messageCount, 8)
        expectSame(try await gateway.store.read { try DeliveryTable.statuses($0) }, [])
        let photo = try await gateway.conversation(first.conversationID, messageLimit: 100).messages
            .first { $0.id == first.photoMessageID }
        expectNoDifference(photo?.channel, .imessage)
        #expect(photo?.mediaURL?.hasSuffix(".png") == true)
        fixture.remove()
    }
}
