import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct MessageRoutesTests {
    @Test func `a message has the fields of the guide`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let page = try await call(
                "GET", "/v1/conversations/conv_def456/messages?limit=20&before=2025-01-15T11:30:00.001Z"
            ).json
            expectNoDifference(
                page,
                [
                    "data": [
                        [
                            "id": "msg_001", "body": "Hi, I need help with my order", "fromNumber": "+15559876543",
                            "toNumber": "+15551234567", "direction": "inbound", "channel": "imessage",
                            "mediaUrl": nil, "mediaUrls": [], "reactions": [], "receivedAt": "2025-01-15T11:30:00Z",
                        ]
                    ],
                    "hasMore": false,
                ])
        }
    }

    @Test func `messages of one instant get instants of their own, and pages neither skip nor repeat`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            var id = ""
            for index in 0..<23 { id = try await call.text("\(index)").text("conversation_id") }
            let path = "/v1/conversations/\(id)/messages"
            let all = try await call("GET", "\(path)?limit=200").json["data"]?.items ?? []
            expectNoDifference(all.map { $0.text("body") }, (0..<23).reversed().map(String.init))
            expectNoDifference(all.last?.text("receivedAt"), "2025-01-15T12:00:00Z")
            expectNoDifference(all.first?.text("receivedAt"), "2025-01-15T12:00:00.022Z")
            var paged: [JSONValue] = []
            var before = ""
            while true {
                let page = try await call("GET", "\(path)?limit=5\(before)").json
                paged += page["data"]?.items ?? []
                guard page["hasMore"] == true else { break }
                before = "&before=\(paged.last?.text("receivedAt") ?? "")"
            }
            expectNoDifference(paged, all)
        }
    }

    @Test func `before and after are exclusive, may be joined, and take offsets and fractions`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            func ids(_ query: String) async throws -> [String] {
                let answer = try await call("GET", "/v1/conversations/conv_def456/messages?\(query)")
                expectNoDifference(answer.status, 200)
                return answer.json["data"]?.items.map { $0.text("id") } ?? []
            }
            expectSame(try await ids("after=2025-01-15T11:58:00Z"), ["msg_008"])
            expectSame(try await ids("after=2025-01-15T11:57:59.9999Z"), ["msg_008", "msg_007"])
            expectSame(try await ids("before=2025-01-15T11:31:00Z"), ["msg_001"])
            expectSame(
                try await ids("after=2025-01-15T12:41:00%2B01:00&before=2025-01-15T11:58:00Z"),
                ["msg_006", "msg_002"])
            // With `after` alone the newest come first, here the newest two.
            expectSame(try await ids("after=2025-01-15T11:30:00Z&limit=2"), ["msg_008", "msg_007"])
            expectSame(try await ids("after=2025-01-16T00:00:00Z"), [])
        }
    }

    @Test func `a reaction answers in both spellings and stands on the message`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("POST", "/v1/messages/msg_002/reactions", ["reaction": "love"])
            expectNoDifference(answer.status, 200)
            expectNoDifference(
                answer.json.without("id"),
                [
                    "reactionType": "love", "reaction_type": "love", "messageId": "msg_002", "message_id": "msg_002",
                    "channel": "imessage",
                ])
            #expect(answer.json.text("id").hasPrefix("rxn_"))
            let photo = try await call("GET", "/v1/conversations/conv_def456").json["messages"]?.items
                .first { $0.text("id") == "msg_002" }
            expectNoDifference(
                photo?["reactions"],
                [
                    [
                        "id": answer.json["id"] ?? nil, "reactionType": "love", "fromNumber": "+15551234567",
                        "direction": "outbound", "createdAt": "2025-01-15T12:00:00Z",
                    ]
                ])
        }
    }

    @Test func `a second reaction takes the place of the first`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            for word in ReactionType.tapbacks {
                let answer = try await call(
                    "POST", "/v1/messages/msg_002/reactions", ["reaction": .string(word.rawValue)])
                expectNoDifference(answer.status, 200)
            }
            let messages = try await call("GET", "/v1/conversations/conv_def456").json["messages"]?.items
            let words = messages?.flatMap { $0["reactions"]?.items ?? [] }.map { $0.text("reactionType") }
            expectNoDifference(words, ["question"])
        }
    }

    @Test(arguments: [#"{"reaction":"Loved"}"#, #"{"reaction":"❤️"}"#, #"{"emoji":"love"}"#, #"{"reaction":null}"#])
    func `other words are refused with the field's name`(body: String) async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("POST", "/v1/messages/msg_002/reactions", raw: Data(body.utf8))
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), "reaction")
        }
    }

    @Test(arguments: [("a text", [JSONValue](), "sms"), ("", ["https://example.com/a.png"], "mms")])
    func `reacting on SMS and MMS is a bad request`(
        body: String, media: [JSONValue], channel: String
    ) async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add(GatewayFixture.participant, imessage: false)
        try await fixture.routes { call in
            let message = try await call.text(body, media: media)
            expectNoDifference(message.text("messages", "0", "channel"), channel)
            let answer = try await call(
                "POST", "/v1/messages/\(message.text("message_ids", "0"))/reactions", ["reaction": "love"])
            expectNoDifference(answer.status, 400)
        }
    }
}
