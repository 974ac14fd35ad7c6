import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct DeliveryRoutesTests {
    @Test func `deliveries are listed newest first, with all their keys, and counted`() async throws {
        let fixture = try GatewayFixture()
        let gateway = fixture.gateway
        _ = try await gateway.setWebhook(WebhookRequest(url: "http://127.0.0.1:9/hook"))
        try await gateway.phones.send(from: "+15559876543", body: "one")
        fixture.clock.advance(by: .seconds(7200))
        let second = try await gateway.phones.send(from: "+15559876543", body: "two")
        let record = DeliveryRecord(
            row: 2, decision: .succeeded, httpStatus: 204, attemptCount: 1, attemptedAt: gateway.timestamp)
        try await gateway.store.write { try DeliveryTable.record($0, record) }
        // Not through the routes of a running gateway, which would deliver the other one.
        let page = try await gateway.deliveries(.project, hours: nil, limit: 1, offset: 0)
        expectNoDifference(
            try JSONValue(parsing: JSON.encode(page)),
            [
                "items": [
                    [
                        "id": .string(page.items[0].id), "messageId": .string(second.messageIDs[0].rawValue),
                        "eventType": "agent.message", "channel": "imessage", "status": "success", "httpStatus": 204,
                        "errorMessage": nil, "responseBody": nil, "attemptCount": 1,
                        "lastAttemptAt": "2025-01-15T14:00:00Z", "nextRetryAt": nil,
                        "createdAt": "2025-01-15T14:00:00Z",
                    ]
                ],
                "total": 2, "offset": 0, "limit": 1,
            ])
        expectSame(try await gateway.deliveries(.project, hours: 1, limit: 50, offset: 0).total, 1)
        expectSame(
            try JSONValue(parsing: JSON.encode(try await gateway.deliveryStats(hours: 24))),
            [
                "total": 2, "success": 1, "failed": 0, "pending": 1, "successRate": 50,
                "byEventType": ["agent.message": ["success": 1, "pending": 1]],
                "byHour": [
                    ["hour": "2025-01-15T12:00:00Z", "total": 1, "success": 0, "failed": 0, "pending": 1],
                    ["hour": "2025-01-15T14:00:00Z", "total": 1, "success": 1, "failed": 0, "pending": 0],
                ],
            ])
        fixture.remove()
    }

    @Test func `without deliveries the counts are nought`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            expectSame(
                try await call("GET", "/v1/webhooks/deliveries/all-time").json,
                ["total": 0, "success": 0, "failed": 0, "successRate": 0])
            expectSame(
                try await call("GET", "/v1/webhooks/deliveries?hours=168&limit=100").json,
                ["items": [], "total": 0, "offset": 0, "limit": 100])
            for query in ["hours=0", "hours=169", "limit=101", "limit=0", "offset=-1"] {
                expectSame(try await call("GET", "/v1/webhooks/deliveries?\(query)").status, 422)
            }
        }
    }

    @Test func `a test delivers one signed message and answers how it went`() async throws {
        let fixture = try GatewayFixture()
        let consumer = Consumer(.answer(200))
        try await consumer.serving { url in
            try await fixture.routes { call in
                expectSame(try await call("POST", "/v1/webhooks/test").status, 404)
                let webhook = try await call("POST", "/v1/webhooks", ["url": .string(url)]).json
                let passed = try await call("POST", "/v1/webhooks/test", ["message": "hello"])
                expectNoDifference(passed.json, ["success": true, "httpStatus": 200, "errorMessage": nil])
                let received = try #require(consumer.deliveries.first)
                try WebhookSignature.verify(
                    received.body, signature: received.headers["x-webhook-signature"],
                    timestamp: received.headers["x-webhook-timestamp"], secrets: [webhook.text("secret")],
                    now: fixture.clock.date)
                expectNoDifference(received.json["test"], true)
                expectNoDifference(received.json["data"]?["message"], "hello")
                consumer.react(.answer(500))
                let failed = try await call("POST", "/v1/webhooks/test")
                expectNoDifference(
                    failed.json, ["success": false, "httpStatus": 500, "errorMessage": "the endpoint answered 500"])
                let list = try await call("GET", "/v1/webhooks/deliveries").json
                expectNoDifference(list["items"]?.items.map { $0.text("status") }, ["failed", "success"])
            }
        }
    }

    @Test func `an agent's own webhook takes the place of the project's`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let (project, own) = (Consumer(), Consumer())
        try await project.serving { projectURL in
            try await own.serving { ownURL in
                try await fixture.running { _ in
                    let gateway = fixture.gateway
                    _ = try await gateway.setWebhook(WebhookRequest(url: projectURL))
                    let agent = try await gateway.agents(limit: 1, offset: 0).data[0].id
                    _ = try await gateway.setWebhook(WebhookRequest(url: ownURL), for: .agent(agent))
                    try await gateway.phones.send(from: "+15559876543", body: "to the agent's")
                    expectSame(await own.next()?.json["data"]?["message"], "to the agent's")
                    try await gateway.deleteWebhook(for: .agent(agent))
                    try await gateway.phones.send(from: "+15559876543", body: "to the project's")
                    expectSame(await project.next()?.json["data"]?["message"], "to the project's")
                    expectNoDifference(project.deliveries.count, 1)
                }
            }
        }
    }

    @Test func `a consumer that never answers holds up nobody else`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let (slow, quick) = (Consumer(.silence), Consumer())
        try await slow.serving { slowURL in
            try await quick.serving { quickURL in
                try await fixture.running { _ in
                    let gateway = fixture.gateway
                    _ = try await gateway.setWebhook(WebhookRequest(url: quickURL))
                    let agent = try await gateway.agents(limit: 1, offset: 0).data[0].id
                    _ = try await gateway.setWebhook(WebhookRequest(url: slowURL), for: .agent(agent))
                    for index in 10..<60 { try await gateway.phones.send(from: "+155500000\(index)", body: "x") }
                    let number = try await gateway.createNumber(NumberBody()).number
                    try await gateway.phones.send(from: "+15559876543", to: number.phoneNumber, body: "quick")
                    expectSame(await quick.next()?.json["data"]?["message"], "quick")
                    #expect(slow.deliveries.count <= DeliveryService.attemptLimit)
                }
            }
        }
    }
}
