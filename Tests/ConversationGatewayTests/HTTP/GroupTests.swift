import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct GroupTests {
    private static let members: JSONValue = ["+15550000001", "jane@example.com"]

    private func start(_ call: Caller, members: JSONValue = members) async throws -> Caller.Answer {
        try await call(
            "POST", "/v1/messages", ["from_number": "+15551234567", "recipients": members, "body": "hello all"])
    }

    @Test func `a group is started by its recipients, written to by its id, and named`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let started = try await start(call).json
            let group = started.text("to_number")
            #expect(group.hasPrefix("grp_"))
            expectNoDifference(started.text("channel"), "imessage")
            let again = try await call(
                "POST", "/v1/messages", ["from_number": "+15551234567", "to_number": .string(group), "body": "again"])
            expectNoDifference(again.json["conversation_id"], started["conversation_id"])
            let path = "/v1/conversations/\(started.text("conversation_id"))"
            let named = try await call("PATCH", path, ["group_name": "Family"]).json
            expectNoDifference(named["metadata"], .null)
            for key in ["isGroup", "groupId", "groupName", "groupIconUrl", "participants"] {
                expectSame(try await call("GET", path).json[key], named[key])
            }
            let item = try await call("GET", "/v1/conversations").json["data"]?.items.first
            expectNoDifference(item?["participant"], .string(group))
            expectNoDifference(item?["groupName"], "Family")
            expectNoDifference(
                item?["participants"],
                [
                    ["identifier": "+15550000001", "name": nil], ["identifier": "jane@example.com", "name": nil],
                ])
        }
    }

    @Test func `1 to 1 threads carry no keys of groups, and keep no name`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let id = try await call.text("hi").text("conversation_id")
            let answer = try await call("PATCH", "/v1/conversations/\(id)", ["group_name": "Family"])
            expectNoDifference(answer.status, 200)
            expectNoDifference(answer.json["isGroup"], nil)
            expectNoDifference(answer.json["groupName"], nil)
        }
    }

    @Test(
        arguments: [
            ["+15550000001"], ["+15550000001", "+1 555 000 0001"], ["+15550000001", "nobody"],
            ["+15550000001", "12345"], [],
        ] as [JSONValue])
    func `a group of too few, of equals or of no addresses is refused`(members: JSONValue) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await start(call, members: members)
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), "recipients")
        }
    }

    @Test func `a group needs iMessage on all sides, and its id must be known`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add("+15550000001", imessage: false)
        try await fixture.routes { call in
            expectSame(try await start(call).status, 400)
            let unknown = try await call(
                "POST", "/v1/messages", ["from_number": "+15551234567", "to_number": "grp_none", "body": "x"])
            expectNoDifference(unknown.status, 404)
            let both = try await call(
                "POST", "/v1/messages",
                [
                    "from_number": "+15551234567", "to_number": "+15559876543", "recipients": Self.members,
                    "body": "x",
                ])
            expectNoDifference(both.status, 422)
            expectSame(try await call("GET", "/v1/conversations").json["total"], 0)
        }
    }

    @Test func `a member's message is delivered with who wrote it and the group`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        let consumer = Consumer()
        let sent = try await gateway.send(
            OutboundMessage(
                fromNumber: GatewayFixture.number, toNumber: nil, body: "hello",
                recipients: ["+15550000001", "jane@example.com"]))
        let group = try #require(sent.toNumber)
        try await consumer.serving { url in
            try await fixture.running { _ in
                _ = try await gateway.setWebhook(WebhookRequest(url: url))
                await #expect(throws: APIError.self) {
                    try await gateway.phones.send(from: "+15559876543", body: "not a member", group: group)
                }
                try await gateway.phones.send(from: "jane@example.com", body: "hi", group: group)
                let data = try #require(await consumer.next()).json["data"]
                expectNoDifference(data?["from"], "jane@example.com")
                expectNoDifference(data?["senderIdentifier"], "jane@example.com")
                expectNoDifference(
                    data?["group"],
                    [
                        "isGroup": true, "groupId": .string(group), "groupName": nil, "groupIconUrl": nil,
                        "participants": [
                            ["identifier": "+15550000001", "name": nil],
                            ["identifier": "jane@example.com", "name": nil],
                        ],
                    ])
                try await gateway.phones.react(from: "+15550000001", to: sent.id, with: .like)
                expectSame(try await gateway.phones.messages(of: "+15550000001").map(\.body), ["hi", "hello"])
            }
        }
    }

    @Test func `phones start a group, and write in it`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let group = try await call(
                "POST", "/sim/groups", ["members": ["+15559876543", "ruth@example.com"], "name": "Holiday"],
                key: .simulation)
            expectNoDifference(group.status, 200)
            expectNoDifference(group.json["members"], ["+15559876543", "ruth@example.com"])
            let id = group.json.text("id")
            let sent = try await call(
                "POST", "/sim/messages", ["from": "ruth@example.com", "group": .string(id), "body": "Hi"],
                key: .simulation)
            expectNoDifference(sent.json.text("conversation_id"), group.json.text("conversation_id"))
            let thread = try await call("GET", "/v1/conversations/\(group.json.text("conversation_id"))").json
            expectNoDifference(thread["groupName"], "Holiday")
            expectNoDifference(thread["messages"]?.items.map { $0.text("senderIdentifier") }, ["ruth@example.com"])
        }
    }

    @Test(
        arguments: [
            (["members": ["+15559876543"]], 422), (["members": ["+15559876543", "+15559876543"]], 422),
            (["members": ["+15559876543", "me"]], 422), ([:], 422),
            (["members": ["+15559876543", "+15550000002"]], 400),
            (["members": ["+15559876543", "ruth@example.com"], "to": "+15550009999"], 404),
        ] as [(JSONValue, Int)])
    func `a group that cannot be is refused`(body: JSONValue, status: Int) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            _ = try await call("POST", "/sim/phones", ["address": "+15550000002", "imessage": false], key: .simulation)
            expectSame(try await call("POST", "/sim/groups", body, key: .simulation).status, status)
        }
    }
}
