import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct NumberRoutesTests {
    @Test func `numbers are listed with their state`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let list = try await call("GET", "/v1/numbers").json
            let agent = try await call("GET", "/v1/agents").json.text("data", "0", "id")
            expectNoDifference(
                list,
                [
                    "data": [
                        [
                            "id": .string(list.text("data", "0", "id")), "phoneNumber": "+15551234567",
                            "country": "US", "status": "active", "type": "sms", "agentId": .string(agent),
                            "outboundSms": "enabled", "createdAt": "2025-01-15T12:00:00Z",
                        ]
                    ],
                    "hasMore": false, "total": 1,
                ])
        }
    }

    @Test func `a number is made for an agent and given up, and its conversations stay`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let agent = try await call("GET", "/v1/agents").json["data"]?.items.first?["id"] ?? nil
            let made = try await call("POST", "/v1/numbers", ["country": "US", "agentId": agent]).json
            expectNoDifference(made.text("phoneNumber"), "+12555550100")
            expectNoDifference(made["agentId"], agent)
            let sent = try await call(
                "POST", "/sim/messages", ["from": "+15559876543", "to": "+12555550100", "body": "hi"],
                key: .simulation
            ).json
            expectSame(try await call("DELETE", "/v1/numbers/\(made.text("id"))").json, ["success": true])
            expectSame(try await call("GET", "/v1/numbers").json["total"], 1)
            expectSame(
                try await call("GET", "/v1/conversations/\(sent.text("conversation_id"))").json["messageCount"], 1)
            expectSame(try await call("POST", "/v1/numbers", [:]).json.text("phoneNumber"), "+12555550101")
        }
    }

    @Test func `a number's messages have names of their own, and pages neither skip nor repeat`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            // At one instant of the clock: in three conversations, so that instants are shared.
            for index in 0..<12 { try await call.text("\(index)", from: "+1555000000\(index % 3)") }
            let id = try await call("GET", "/v1/numbers").json.text("data", "0", "id")
            let all = try await call("GET", "/v1/numbers/\(id)/messages").json
            expectNoDifference(
                all["data"]?.items.last,
                [
                    "id": .string(all["data"]?.items.last?.text("id") ?? ""), "from_": "+15550000000",
                    "to": "+15551234567", "body": "0", "direction": "inbound", "channel": "imessage",
                    "receivedAt": "2025-01-15T12:00:00Z",
                ])
            var paged: [JSONValue] = []
            var query = "limit=4"
            while true {
                let page = try await call("GET", "/v1/numbers/\(id)/messages?\(query)").json
                paged += page["data"]?.items ?? []
                guard page["hasMore"] == true else { break }
                query = "limit=4&before=\(paged.last?.text("receivedAt") ?? "")"
            }
            expectNoDifference(paged, all["data"]?.items)
            expectNoDifference(paged.count, 12)
        }
    }

    @Test func `a number that is not registered sends by iMessage alone, and receives everything`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add("+15550000002", imessage: false)
        try await fixture.routes { call in
            func send(to number: String) async throws -> Caller.Answer {
                try await call(
                    "POST", "/v1/messages",
                    ["from_number": "+15551234567", "to_number": .string(number), "body": "x"])
            }
            let changed = try await call(
                "POST", "/sim/numbers", ["number": "+15551234567", "sms_registered": false], key: .simulation)
            expectNoDifference(changed.json["imessage"], true)
            expectSame(try await send(to: "+15550000001").status, 200)
            let refused = try await send(to: "+15550000002")
            expectNoDifference(refused.status, 403)
            expectNoDifference(refused.json["error"]?.text("code"), "REGISTRATION_REQUIRED")
            expectSame(
                try await call.text("hi", from: "+15550000002").text("messages", "0", "channel"), "sms")
            expectSame(
                try await call("GET", "/v1/register/status").json,
                ["campaign_status": "none", "message": "Not registered for SMS: +15551234567.", "stage": nil])
            expectSame(
                try await call("GET", "/v1/numbers").json.text("data", "0", "outboundSms"), "registration_required")
        }
    }
}
