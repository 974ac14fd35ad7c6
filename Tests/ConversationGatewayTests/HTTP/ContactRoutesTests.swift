import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct ContactRoutesTests {
    @Test func `a contact is made with 201, changed, found and removed with 204`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let made = try await call("POST", "/v1/contacts", ["phoneNumber": "(555) 987-6543", "name": "Jane Doe"])
            expectNoDifference(made.status, 201)
            let id = made.json.text("id")
            expectNoDifference(
                made.json,
                [
                    "id": .string(id), "phoneNumber": "+15559876543", "name": "Jane Doe", "email": nil, "notes": nil,
                    "createdAt": "2025-01-15T12:00:00Z", "updatedAt": "2025-01-15T12:00:00Z",
                ])
            fixture.clock.advance(by: .seconds(1))
            let changed = try await call("PATCH", "/v1/contacts/\(id)", ["email": "jane@example.com"]).json
            expectNoDifference(changed.text("updatedAt"), "2025-01-15T12:00:01Z")
            expectSame(try await call("PATCH", "/v1/contacts/\(id)", ["email": nil]).json["email"], .null)
            _ = try await call("POST", "/v1/contacts", ["phoneNumber": "+15550000001", "name": "John"])
            for (search, total) in [("jane", 1), ("5550000", 1), ("", 2), ("nobody", 0)] {
                expectSame(
                    try await call("GET", "/v1/contacts?search=\(search)").json["total"], .integer(Int64(total)))
            }
            expectSame(try await call("DELETE", "/v1/contacts/\(id)").status, 204)
            expectSame(try await call("GET", "/v1/contacts/\(id)").status, 404)
        }
    }

    @Test func `a second contact of one number is a conflict`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let body: JSONValue = ["phoneNumber": "+15559876543", "name": "Jane"]
            _ = try await call("POST", "/v1/contacts", body)
            expectSame(try await call("POST", "/v1/contacts", body).status, 409)
            let other = try await call("POST", "/v1/contacts", ["phoneNumber": "+15550000001", "name": "John"])
            let moved = try await call(
                "PATCH", "/v1/contacts/\(other.json.text("id"))", ["phoneNumber": "+1 555 987 6543"])
            expectNoDifference(moved.status, 409)
        }
    }

    @Test(arguments: [
        (#"{"name":"a"}"#, "phoneNumber"), (#"{"phoneNumber":"+15559876543"}"#, "name"),
        (#"{"phoneNumber":"x","name":"a"}"#, "phoneNumber"),
        (#"{"phoneNumber":"+15559876543","name":"a","email":"x"}"#, "email"),
    ])
    func `a wrong contact is refused with the field's name`(body: String, field: String) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let answer = try await call("POST", "/v1/contacts", raw: Data(body.utf8))
            expectNoDifference(answer.status, 422)
            expectNoDifference(answer.json["error"]?.text("details", "0", "field"), field)
        }
    }

    @Test func `capabilities are those of the simulated phone`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.gateway.phones.add("+15550000002", imessage: false)
        try await fixture.routes { call in
            expectSame(
                try await call("GET", "/v1/contacts/capabilities?phone_number=%2B15550000002").json,
                [
                    "phoneNumber": "+15550000002", "capabilities": ["imessage": false, "sms": true],
                    "checkedAt": "2025-01-15T12:00:00Z",
                ])
            expectSame(try await call("GET", "/v1/contacts/capabilities").status, 422)
        }
    }
}
