import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct SendRoutesTests {
    private static let picture: JSONValue = "https://example.com/a.png"

    private func send(
        _ body: JSONValue, imessage: Bool = true, change: (inout GatewayConfiguration) -> Void = { _ in }
    ) async throws -> Caller.Answer {
        let fixture = try GatewayFixture(change: change)
        try await fixture.gateway.phones.add("+15559876543", imessage: imessage)
        return try await fixture.routes { try await $0("POST", "/v1/messages", body) }
    }

    @Test func `a send answers 200 with the documented keys and stands in the conversation`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call(
                "POST", "/v1/messages",
                ["from_number": "+15551234567", "to_number": "(555) 987-6543", "body": "Hello"])
            expectNoDifference(answer.status, 200)
            expectNoDifference(
                answer.json.without("id", "conversation_id"),
                [
                    "status": "sent", "channel": "imessage", "from_number": "+15551234567",
                    "to_number": "+15559876543", "media_urls": [], "reply_to_message_id": nil,
                    "reply_parent_unresolved": nil,
                ])
            let page = try await call("GET", "/v1/conversations/\(answer.json.text("conversation_id"))/messages").json
            expectNoDifference(page["data"]?.items.map { $0.text("id") }, [answer.json.text("id")])
            expectNoDifference(page.text("data", "0", "direction"), "outbound")
        }
    }

    @Test(arguments: [
        (true, true, [JSONValue](), "imessage"), (true, true, [picture], "imessage"), (true, false, [], "sms"),
        (true, false, [picture], "mms"), (false, true, [], "sms"), (false, true, [picture], "mms"),
    ])
    func `the channel is iMessage where both sides can, else SMS, with media MMS`(
        number: Bool, phone: Bool, media: [JSONValue], channel: String
    ) async throws {
        var body: [String: JSONValue] = ["from_number": "+15551234567", "to_number": "+15559876543", "body": "x"]
        if !media.isEmpty { body["media_urls"] = .array(media) }
        let answer = try await send(.object(body), imessage: phone) { $0.numberSupportsIMessage = number }
        expectNoDifference(answer.json.text("channel"), channel)
    }

    @Test(arguments: [
        (#"{"to_number":"+15559876543","body":"x"}"#, "agent_id"),
        (#"{"from_number":"+15551234567","body":"x"}"#, "to_number"),
        (#"{"from_number":"+15551234567","to_number":"","body":"x"}"#, "to_number"),
        (#"{"from_number":"+15551234567","to_number":"nobody","body":"x"}"#, "to_number"),
        (#"{"from_number":"+15551234567","to_number":"+15559876543"}"#, "body"),
        (#"{"from_number":"+15551234567","to_number":"+15559876543","body":7}"#, "body"),
        (#"{"from_number":"+15551234567","to_number":"+15559876543","body":""}"#, "body"),
        (#"{"from_number":"+15551234567","to_number":"+15559876543","body":"a\u0000b"}"#, "body"),
        (#"{"from_number":"+15551234567","to_number":"+15559876543","body":"x","media_urls":[]}"#, "media_urls"),
        (
            #"{"from_number":"+15551234567","to_number":"+15559876543","body":"x","media_urls":["ftp://a/b"]}"#,
            "media_urls"
        ),
        (
            #"{"from_number":"+15551234567","to_number":"+15559876543","body":"x","media_urls":["https://a/1","https://a/2"]}"#,
            "body"
        ),
        (
            #"{"from_number":"+15551234567","to_number":"+15559876543","body":"x","media_url":"https://a/1","media_urls":["https://a/2"]}"#,
            "media_url"
        ),
        (#"{"from_number":"+15551234567","to_number":"+15559876543","body":"x","send_style":"boom"}"#, "send_style"),
    ])
    func `a wrong request is refused with the field's name`(body: String, field: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("POST", "/v1/messages", raw: Data(body.utf8))
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), field)
            expectSame(try await call("GET", "/v1/conversations").json["total"], 0)
        }
    }

    @Test func `the missing recipient is told in production's words`() async throws {
        let answer = try await send(["from_number": "+15551234567", "body": "x"])
        expectNoDifference(
            answer.json.text("detail"),
            "Value error, Provide to_number (an existing chat) or recipients (to start a group).")
    }

    @Test(
        arguments: [
            (["from_number": "+15550009999"], "Number not found."), (["number_id": "num_none"], "Number not found."),
            (["agent_id": "agt_none"], "Agent not found."),
            // The exact number counts most, so the unknown agent is not looked at.
            (["from_number": "+15550009999", "agent_id": "agt_none"], "Number not found."),
        ] as [([String: JSONValue], String)])
    func `an unknown sender is not found`(sender: [String: JSONValue], message: String) async throws {
        let answer = try await send(
            .object(sender.merging(["to_number": "+15559876543", "body": "x"]) { $1 }))
        expectNoDifference(answer.status, 404)
        expectNoDifference(answer.json.text("detail"), message)
    }

    @Test func `an agent sends from its first number`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            try await call.text("hello")
            let agent = try await call("GET", "/v1/conversations").json.text("data", "0", "agentId")
            let answer = try await call(
                "POST", "/v1/messages", ["agent_id": .string(agent), "to_number": "+15559876543", "body": "x"])
            expectNoDifference(answer.json.text("from_number"), "+15551234567")
            expectSame(try await call("GET", "/v1/conversations").json["total"], 1)
        }
    }

    @Test func `a carousel goes as one message with all its media`() async throws {
        let urls: [JSONValue] = ["https://example.com/1.png", "https://example.com/2.png"]
        let answer = try await send([
            "from_number": "+15551234567", "to_number": "+15559876543", "body": "", "media_urls": .array(urls),
        ])
        expectNoDifference(answer.status, 200)
        expectNoDifference(answer.json["media_urls"], .array(urls))
    }

    @Test func `a reply stands on iMessage, is dropped on SMS, and fails with an unknown target`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add("+15550000002", imessage: false)
        try await fixture.routes { call in
            func reply(to target: String, at number: String) async throws -> Caller.Answer {
                try await call(
                    "POST", "/v1/messages",
                    [
                        "from_number": "+15551234567", "to_number": .string(number), "body": "x",
                        "reply_to_message_id": .string(target),
                    ])
            }
            let apple = try await call.text("hi", from: "+15550000001").text("message_ids", "0")
            let other = try await call.text("hi", from: "+15550000002").text("message_ids", "0")
            let replied = try await reply(to: apple, at: "+15550000001").json
            expectNoDifference(replied.text("reply_to_message_id"), apple)
            expectNoDifference(replied["reply_parent_unresolved"], false)
            let path = "/v1/conversations/\(replied.text("conversation_id"))/messages?limit=1"
            expectSame(
                try await call("GET", path).json["data"]?.items.first?["replyTo"],
                ["messageId": .string(apple), "message": "hi", "mediaUrls": []])
            let dropped = try await reply(to: other, at: "+15550000002").json
            expectNoDifference(dropped["reply_to_message_id"], .null)
            for target in ["msg_none", other] {
                let failed = try await reply(to: target, at: "+15550000001")
                expectNoDifference(failed.status, 404)
                expectNoDifference(failed.json.text("detail"), "Reply target not found.")
            }
            let page = try await call("GET", "/v1/conversations").json
            expectNoDifference(page["data"]?.items.map { $0["messageCount"] }, [2, 2])
        }
    }

    @Test func `what is documented and left out says so`() async throws {
        let answer = try await send([
            "agent_id": "a", "body": "x", "to_number": "+15559876543", "buttons": [["id": "1"]],
        ])
        expectNoDifference(answer.status, 501)
        #expect(answer.json.text("detail").contains("buttons"))
    }
}
