import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct ConversationRoutesTests {
    @Test func `the list has the shape of the guide`() async throws {
        let fixture = try GatewayFixture()
        let sample = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("GET", "/v1/conversations?limit=10&offset=0")
            expectNoDifference(answer.status, 200)
            expectNoDifference(
                answer.json,
                [
                    "data": [
                        [
                            "id": "conv_def456", "agentId": .string(sample.agentID ?? ""),
                            "phoneNumberId": .string(sample.numberID), "phoneNumber": "+15551234567",
                            "participant": "+15559876543", "lastMessageAt": "2025-01-15T12:00:00Z",
                            "lastMessagePreview": "Thanks for your help!", "messageCount": 8,
                            "metadata": ["customerName": "Jane Doe", "orderId": "ORD-12345"],
                            "createdAt": "2025-01-15T11:30:00Z",
                        ]
                    ],
                    "hasMore": false, "total": 1,
                ])
        }
    }

    @Test func `a conversation comes with its latest messages, newest first, and without a preview`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("GET", "/v1/conversations/conv_def456?message_limit=2")
            expectNoDifference(answer.json["messages"]?.items.map { $0.text("id") }, ["msg_008", "msg_007"])
            expectNoDifference(answer.json["lastMessagePreview"], nil)
            expectNoDifference(answer.json["messageCount"], 8)
        }
    }

    @Test func `the latest activity comes first, and pages neither skip nor repeat`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            // All at one instant of the clock, so that the order rests on the tie-break alone.
            for index in 0..<7 { try await call.text("hello", from: "+1555000000\(index)") }
            let all = try await call("GET", "/v1/conversations").json
            expectNoDifference(
                all["data"]?.items.map { $0.text("participant") }, (0..<7).reversed().map { "+1555000000\($0)" })
            var paged: [JSONValue] = []
            for (offset, hasMore) in [(0, true), (3, true), (6, false), (9, false)] {
                let page = try await call("GET", "/v1/conversations?limit=3&offset=\(offset)").json
                expectNoDifference(page["hasMore"], .boolean(hasMore))
                expectNoDifference(page["total"], 7)
                paged += page["data"]?.items ?? []
            }
            expectNoDifference(.array(paged), all["data"])
        }
    }

    @Test func `a new message brings its conversation to the top`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            try await call.text("one", from: "+15550000001")
            fixture.clock.advance(by: .seconds(1))
            try await call.text("two", from: "+15550000002")
            fixture.clock.advance(by: .seconds(1))
            try await call.text("again", from: "+15550000001")
            let list = try await call("GET", "/v1/conversations").json
            expectNoDifference(
                list["data"]?.items.map { $0.text("lastMessagePreview") }, ["again", "two"])
        }
    }

    @Test(arguments: [
        ("/v1/conversations?limit=0", "limit"), ("/v1/conversations?limit=101", "limit"),
        ("/v1/conversations?limit=-1", "limit"), ("/v1/conversations?limit=abc", "limit"),
        ("/v1/conversations?limit=", "limit"), ("/v1/conversations?limit=1.5", "limit"),
        ("/v1/conversations?limit=%2B5", "limit"), ("/v1/conversations?offset=-1", "offset"),
        ("/v1/conversations?offset=99999999999999999999", "offset"),
        ("/v1/conversations/conv_def456?message_limit=0", "message_limit"),
        ("/v1/conversations/conv_def456?message_limit=101", "message_limit"),
        ("/v1/conversations/conv_def456/messages?limit=0", "limit"),
        ("/v1/conversations/conv_def456/messages?limit=201", "limit"),
        ("/v1/conversations/conv_def456/messages?before=yesterday", "before"),
        ("/v1/conversations/conv_def456/messages?before=msg_001", "before"),
        ("/v1/conversations/conv_def456/messages?after=2025-13-01T00:00:00Z", "after"),
        ("/v1/conversations/conv_def456/messages?after=", "after"),
        // Not percent-encoded, a + is a space.
        ("/v1/conversations/conv_def456/messages?after=2025-01-15T12:00:00+01:00", "after"),
    ])
    func `what is out of bounds is refused with the field's name`(path: String, field: String) async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("GET", path)
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("code"), "VALIDATION_ERROR")
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), field)
            expectNoDifference(answer.json["detail"], answer.json["error"]?["message"])
        }
    }

    @Test(arguments: ["limit=1", "limit=100", "offset=9223372036854775807", "limit=200&limit=5", "unknown=1"])
    func `what is within bounds is served`(query: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("GET", "/v1/conversations?\(query)")
            expectNoDifference(answer.status, 200)
            expectNoDifference(answer.json, ["data": [], "hasMore": false, "total": 0])
        }
    }

    @Test func `metadata is replaced whole, cleared by null, and left alone where the key is absent`() async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            func patch(_ body: JSONValue) async throws -> JSONValue? {
                let answer = try await call("PATCH", "/v1/conversations/conv_def456", body)
                expectNoDifference(answer.status, 200)
                expectNoDifference(answer.json["messages"]?.items.count, 8)
                let read = try await call("GET", "/v1/conversations/conv_def456").json
                expectNoDifference(read, answer.json)
                return read["metadata"]
            }
            let nested: JSONValue = ["topic": "order_tracking", "resolved": false, "n": 1.5, "deep": ["a": [1, nil]]]
            expectSame(try await patch(["metadata": nested]), nested)
            expectSame(try await patch([:]), nested)
            expectSame(try await patch(["metadata": ["only": "this"]]), ["only": "this"])
            expectSame(try await patch(["metadata": [:]]), [:])
            expectSame(try await patch(["metadata": nil]), .null)
        }
    }

    @Test(arguments: [#"{"metadata": "text"}"#, #"{"metadata": [1]}"#, "[]", "{", "", "\u{FF}"])
    func `a body of another shape is refused`(body: String) async throws {
        let fixture = try GatewayFixture()
        _ = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let answer = try await call("PATCH", "/v1/conversations/conv_def456", raw: Data(body.utf8))
            expectNoDifference(answer.status, 422)
        }
    }

    @Test(arguments: [
        ("GET", "/v1/conversations/conv_none"), ("PATCH", "/v1/conversations/conv_none"),
        ("GET", "/v1/conversations/conv_none/messages"), ("POST", "/v1/conversations/conv_none/typing"),
        ("GET", "/v1/conversations/%2e%2e%2fagents"), ("POST", "/v1/messages/msg_none/reactions"),
    ])
    func `an unknown id is not found`(method: String, path: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call(method, path, method == "GET" ? nil : ["reaction": "love"])
            expectNoDifference(answer.status, 404)
            #expect(answer.json.text("detail").hasSuffix("not found."))
        }
    }

    @Test func `typing is shown by iMessage and skipped elsewhere`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add("+15550000002", imessage: false)
        try await fixture.routes { call in
            let apple = try await call.text("hi", from: "+15550000001").text("conversation_id")
            let other = try await call.text("hi", from: "+15550000002").text("conversation_id")
            expectSame(
                try await call("POST", "/v1/conversations/\(apple)/typing").json,
                ["conversationId": .string(apple), "channel": "imessage", "status": "sent"])
            expectSame(
                try await call("POST", "/v1/conversations/\(other)/typing", [:]).json,
                ["conversationId": .string(other), "channel": "sms", "status": "skipped"])
        }
    }

    @Test func `a conversation is as old as its first message, to the millisecond`() async throws {
        let fixture = try GatewayFixture()
        fixture.clock.advance(by: .microseconds(1840))
        try await fixture.routes { call in
            try await call.text("Hello")
            let thread = try await call("GET", "/v1/conversations").json["data"]?.items.first
            expectNoDifference(thread?["createdAt"], thread?["lastMessageAt"])
        }
    }
}
