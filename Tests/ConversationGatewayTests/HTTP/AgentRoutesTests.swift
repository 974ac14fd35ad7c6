import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct AgentRoutesTests {
    @Test func `an agent is made, read, changed and removed, and its conversations stay`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let made = try await call("POST", "/v1/agents", ["name": "Support", "voiceMode": "hosted"])
            expectNoDifference(made.status, 200)
            let id = made.json.text("id")
            expectNoDifference(
                made.json,
                [
                    "id": .string(id), "name": "Support", "description": nil, "voiceMode": "hosted",
                    "enableMessaging": true, "createdAt": "2025-01-15T12:00:00Z", "numbers": [],
                ])
            let changed = try await call("PATCH", "/v1/agents/\(id)", ["description": "Helps", "unknown": 1])
            expectNoDifference(changed.json.text("description"), "Helps")
            expectSame(try await call("GET", "/v1/agents/\(id)").json, changed.json)
            let list = try await call("GET", "/v1/agents").json
            expectNoDifference(list["total"], 2)
            expectNoDifference(list["hasMore"], nil)
            let first = list.text("data", "0", "id")
            let conversation = try await call.text("hi").text("conversation_id")
            expectSame(try await call("DELETE", "/v1/agents/\(first)").json, ["success": true])
            expectSame(try await call("GET", "/v1/agents/\(first)").status, 404)
            expectSame(try await call("GET", "/v1/conversations/\(conversation)").json["agentId"], .null)
            expectSame(try await call("GET", "/v1/numbers").json["data"]?.items.map { $0["agentId"] }, [.null])
        }
    }

    @Test(arguments: [
        ("POST", #"{}"#, "name"), ("POST", #"{"name":""}"#, "name"), ("POST", #"{"name":7}"#, "name"),
        ("POST", #"{"name":"a","voiceMode":"loud"}"#, "voiceMode"),
    ])
    func `a wrong agent is refused with the field's name`(method: String, body: String, field: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call(method, "/v1/agents", raw: Data(body.utf8))
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), field)
        }
    }

    @Test func `a number belongs to one agent, until it is detached`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let number = try await call("GET", "/v1/numbers").json
            let id = number.text("data", "0", "id")
            let owner = number.text("data", "0", "agentId")
            let other = try await call("POST", "/v1/agents", ["name": "Other"]).json.text("id")
            let attach: JSONValue = ["numberId": .string(id)]
            expectSame(try await call("POST", "/v1/agents/\(other)/numbers", attach).status, 409)
            expectSame(try await call("DELETE", "/v1/agents/\(other)/numbers/\(id)").status, 404)
            expectSame(try await call("DELETE", "/v1/agents/\(owner)/numbers/\(id)").json, ["success": true])
            let attached = try await call("POST", "/v1/agents/\(other)/numbers", attach).json
            expectNoDifference(attached.text("agentId"), other)
            expectNoDifference(attached["number"]?.text("agentId"), other)
            expectSame(
                try await call("GET", "/v1/agents/\(other)").json["numbers"],
                [["id": .string(id), "phoneNumber": "+15551234567", "status": "active", "type": "sms"]])
            // What comes in from now on is the new agent's.
            expectSame(
                try await call("GET", "/v1/conversations/\(call.text("hi").text("conversation_id"))").json["agentId"],
                .string(other))
        }
    }

    @Test func `an agent's conversations are listed without metadata`() async throws {
        let fixture = try GatewayFixture()
        let sample = try await fixture.gateway.phones.seedSample()
        try await fixture.routes { call in
            let other = try await call("POST", "/v1/agents", ["name": "Other"]).json.text("id")
            let all = try await call("GET", "/v1/conversations").json
            let own = try await call("GET", "/v1/agents/\(sample.agentID ?? "")/conversations?limit=5").json
            expectNoDifference(own["data"]?.items, all["data"]?.items.map { $0.without("metadata") })
            expectNoDifference(own["total"], 1)
            expectSame(
                try await call("GET", "/v1/agents/\(other)/conversations").json,
                ["data": [], "hasMore": false, "total": 0])
            expectSame(try await call("GET", "/v1/agents/agt_none/conversations").status, 404)
        }
    }
}
