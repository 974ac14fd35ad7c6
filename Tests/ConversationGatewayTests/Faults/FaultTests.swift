import AgentPhoneClient
import Conversations
import CustomDump
import Foundation
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct FaultTests {
    private static let message: JSONValue = [
        "from_number": "+15551234567", "to_number": "+15559876543", "body": "x",
    ]

    @Test func `faults are made, listed and removed`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            let made = try await call("POST", "/sim/faults", ["kind": "delay", "seconds": 2], key: .simulation).json
            expectNoDifference(made, ["id": "fault_1", "kind": "delay", "seconds": 2])
            _ = try await call("POST", "/sim/faults", ["kind": "duplicate"], key: .simulation)
            expectSame(try await call("GET", "/sim/faults", key: .simulation).json["data"]?.items.count, 2)
            expectSame(try await call("DELETE", "/sim/faults/fault_1", key: .simulation).status, 200)
            expectSame(try await call("DELETE", "/sim/faults/fault_1", key: .simulation).status, 404)
            expectSame(try await call("DELETE", "/sim/faults", key: .simulation).status, 200)
            expectSame(try await call("GET", "/sim/faults", key: .simulation).json, ["data": []])
        }
    }

    @Test(
        arguments: [
            (500, nil, nil), (429, "RATE_LIMIT_EXCEEDED", 7), (429, "CONVERSATION_STREAK_LIMIT", nil),
            (402, "INSUFFICIENT_BALANCE", nil),
        ] as [(Int, String?, Int?)])
    func `a call answers as told, without effect`(status: Int, code: String?, wait: Int?) async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            var fault: [String: JSONValue] = [
                "kind": "status", "operation": "sendMessage", "status": .integer(Int64(status)), "count": 1,
            ]
            fault["code"] = code.map { .string($0) }
            fault["retry_after"] = wait.map { .integer(Int64($0)) }
            _ = try await call("POST", "/sim/faults", .object(fault), key: .simulation)
            expectSame(try await call("GET", "/v1/conversations").status, 200)
            let struck = try await call("POST", "/v1/messages", Self.message)
            expectNoDifference(struck.status, status)
            expectNoDifference(struck.json["error"]?.text("code"), code ?? "FAULT")
            expectNoDifference(struck.headers[.retryAfter], wait.map(String.init))
            expectSame(try await call("GET", "/v1/conversations").json["total"], 0)
            expectSame(try await call("POST", "/v1/messages", Self.message).status, 200)
        }
    }

    @Test func `an unconfirmed delivery answers 409, and the message is there`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            _ = try await call(
                "POST", "/sim/faults",
                [
                    "kind": "status_after_effect", "operation": "sendMessage", "status": 409,
                    "code": "DELIVERY_UNCONFIRMED",
                ],
                key: .simulation)
            let struck = try await call("POST", "/v1/messages", Self.message)
            expectNoDifference(struck.status, 409)
            expectNoDifference(struck.json["error"]?.text("code"), "DELIVERY_UNCONFIRMED")
            expectSame(try await call("GET", "/v1/conversations").json["total"], 1)
        }
    }

    @Test(arguments: [("disconnect", 0), ("lose_answer", 1)])
    func `a connection breaks off, before the effect or after it`(kind: String, total: Int) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        try await fixture.running { port in
            var fault = Fault(try #require(Fault.Kind(rawValue: kind)))
            fault.count = 1
            _ = fixture.gateway.faults.withLock { [fault] in $0.add(fault) }
            let client = AgentPhoneClient(
                try AgentPhoneConfiguration(baseURL: "http://127.0.0.1:\(port)", apiKey: GatewayFixture.apiKey))
            let message = OutboundMessage(
                fromNumber: GatewayFixture.number, toNumber: GatewayFixture.participant, body: "x")
            let error = await #expect(throws: APIError.self) { _ = try await client.send(message) }
            expectNoDifference(error?.code, .outcomeUnknown)
            expectSame(try await fixture.gateway.conversations(limit: 1, offset: 0).total, total)
        }
    }

    @Test func `an answer comes late by the clock`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            _ = try await call("POST", "/sim/faults", ["kind": "delay", "seconds": 60], key: .simulation)
            async let answer = call("GET", "/v1/conversations")
            await fixture.clock.sleepers(atLeast: 1)
            fixture.clock.advance(by: .seconds(60))
            expectSame(try await answer.status, 200)
        }
    }

    @Test(
        arguments: [
            ("duplicate", 2, nil), ("drop", 0, nil), ("wrong_signature", 1, .mismatch), ("tampered_body", 1, .mismatch),
            ("skew", 1, .stale),
        ] as [(String, Int, WebhookError.Code?)])
    func `a delivery goes wrong as told`(kind: String, count: Int, code: WebhookError.Code?) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        let (records, observed) = AsyncStream<DeliveryRecord>.makeStream()
        fixture.gateway.deliveryObserver.withLock { $0 = { observed.yield($0) } }
        try await consumer.serving { url in
            try await fixture.running { _ in
                let webhook = try await fixture.gateway.setWebhook(WebhookRequest(url: url))
                var fault = Fault(try #require(Fault.Kind(rawValue: kind)))
                fault.seconds = 301
                _ = fixture.gateway.faults.withLock { [fault] in $0.add(fault) }
                try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
                _ = await records.prefix(collecting: 1)
                expectNoDifference(consumer.deliveries.count, count)
                expectNoDifference(Set(consumer.deliveries.map { $0.headers["x-webhook-id"] }).count, min(count, 1))
                guard let received = consumer.deliveries.first else { return }
                func verify() throws(WebhookError) {
                    try WebhookSignature.verify(
                        received.body, signature: received.headers["x-webhook-signature"],
                        timestamp: received.headers["x-webhook-timestamp"], secrets: [webhook.secret],
                        now: fixture.clock.date)
                }
                var found: WebhookError.Code?
                do throws(WebhookError) { try verify() } catch { found = error.code }
                expectNoDifference(found, code)
            }
        }
    }

    @Test func `a delivery held back is overtaken by the next of its conversation`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url))
                var fault = Fault(.reorder)
                (fault.seconds, fault.count) = (10, 1)
                _ = fixture.gateway.faults.withLock { [fault] in $0.add(fault) }
                try await fixture.gateway.phones.send(from: "+15559876543", body: "first")
                await fixture.clock.sleepers(atLeast: 1)
                try await fixture.gateway.phones.send(from: "+15559876543", body: "second")
                expectSame(await consumer.next()?.json["data"]?["message"], "second")
                fixture.clock.advance(by: .seconds(10))
                expectSame(await consumer.next()?.json["data"]?["message"], "first")
            }
        }
    }
}
