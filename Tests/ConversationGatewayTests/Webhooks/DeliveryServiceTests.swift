import Conversations
import CustomDump
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct DeliveryServiceTests {
    /// Attempts as they come on record.
    private func attempts(of gateway: Gateway) -> AsyncStream<DeliveryRecord> {
        let (stream, continuation) = AsyncStream<DeliveryRecord>.makeStream()
        gateway.deliveryObserver.withLock { $0 = { continuation.yield($0) } }
        return stream
    }

    private func statuses(_ gateway: Gateway) async throws -> [String] {
        try await gateway.store.read { try DeliveryTable.statuses($0) }
    }

    @Test func `a message is delivered signed, with the documented headers and payload`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                let gateway = fixture.gateway
                let webhook = try await gateway.setWebhook(WebhookRequest(url: url))
                let sample = try await gateway.phones.seedSample()
                let sent = try await gateway.phones.send(
                    from: "+15559876543", body: "one more", media: ["https://example.com/a.png"])
                let received = try #require(await consumer.next())
                let headers = received.headers
                expectNoDifference(headers["content-type"], "application/json")
                expectNoDifference(headers["x-webhook-event"], "agent.message")
                expectNoDifference(headers["x-webhook-timestamp"], "1736942400")
                #expect(headers["x-webhook-id"]?.hasPrefix("del_") == true)
                try WebhookSignature.verify(
                    received.body, signature: headers["x-webhook-signature"],
                    timestamp: headers["x-webhook-timestamp"], secrets: [webhook.secret], now: fixture.clock.date)
                let history = received.json["recentHistory"]?.items ?? []
                expectNoDifference(history.map { $0.text("messageId") }.first, "msg_001")
                expectNoDifference(history.map { $0.text("messageId") }.last, "msg_008")
                let receivedAt = sent.messages[0].receivedAt.description
                expectNoDifference(
                    received.json.without("recentHistory"),
                    [
                        "event": "agent.message", "channel": "imessage", "timestamp": .string(receivedAt),
                        "agentId": .string(sample.agentID ?? ""),
                        "data": [
                            "conversationId": "conv_def456", "numberId": .string(sample.numberID),
                            "messageId": .string(sent.messageIDs[0].rawValue), "from": "+15559876543",
                            "to": "+15551234567", "message": "one more", "mediaUrl": "https://example.com/a.png",
                            "mediaUrls": ["https://example.com/a.png"], "contact": nil, "direction": "inbound",
                            "receivedAt": .string(receivedAt),
                        ],
                        "conversationState": ["customerName": "Jane Doe", "orderId": "ORD-12345"],
                    ])
            }
        }
    }

    @Test func `payloads without message ids carry neither ids nor media lists`() async throws {
        let fixture = try GatewayFixture { $0.webhookMessageIDs = false }
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url))
                _ = try await fixture.gateway.phones.seedSample()
                try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
                let json = try #require(await consumer.next()).json
                expectNoDifference(json["data"]?["messageId"], nil)
                expectNoDifference(json["data"]?["mediaUrls"], nil)
                expectNoDifference(json["data"]?["mediaUrl"], .null)
                expectNoDifference(json["recentHistory"]?.items.contains { $0["messageId"] != nil }, false)
            }
        }
    }

    @Test func `history is as long as the context limit, without the message itself`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                let phones = fixture.gateway.phones
                for (limit, expected) in [(2, ["b", "c"]), (0, []), (50, ["a", "b", "c", "x", "x"])] {
                    if limit == 2 {
                        for text in ["a", "b", "c"] { try await phones.send(from: "+15559876543", body: text) }
                    }
                    _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url, contextLimit: limit))
                    try await phones.send(from: "+15559876543", body: "x")
                    let event = try #require(await consumer.next()?.event)
                    expectNoDifference(event.recentHistory.map(\.content), expected)
                }
            }
        }
    }

    @Test func `a reaction to the agent's message is delivered, one to the phone's own is not`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                let gateway = fixture.gateway
                _ = try await gateway.setWebhook(WebhookRequest(url: url, contextLimit: 0))
                let sample = try await gateway.phones.seedSample()
                try await gateway.phones.react(from: "+15559876543", to: "msg_001", with: .laugh)
                let reaction = try await gateway.phones.react(from: "+15559876543", to: "msg_008", with: .question)
                let received = try #require(await consumer.next())
                expectNoDifference(received.headers["x-webhook-event"], "agent.reaction")
                expectNoDifference(
                    received.json["data"],
                    [
                        "conversationId": "conv_def456", "numberId": .string(sample.numberID),
                        "reactionType": "question", "fromNumber": "+15559876543", "direction": "inbound",
                        "messageId": "msg_008", "messageBody": "Thanks for your help!", "messageMediaUrl": nil,
                        "createdAt": .string(reaction.createdAt.description),
                    ])
                expectNoDifference(received.json["recentHistory"], [])
            }
        }
    }

    @Test func `a failing endpoint is tried on the ladder, with one id and a fresh signature each time`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer(.answer(500))
        try await consumer.serving { url in
            let attempts = attempts(of: fixture.gateway)
            try await fixture.running { _ in
                let webhook = try await fixture.gateway.setWebhook(WebhookRequest(url: url))
                try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
                var records: [DeliveryRecord] = []
                for await record in attempts {
                    records.append(record)
                    guard case .retry(let delay) = record.decision else { break }
                    fixture.clock.advance(by: delay)
                }
                expectNoDifference(
                    records.map(\.decision),
                    GatewayConfiguration.defaultRetryDelays.map(DeliveryDecision.retry(after:)) + [.failed])
                expectNoDifference(records.last?.errorMessage, "the endpoint answered 500")
                let headers = consumer.deliveries.map(\.headers)
                expectNoDifference(Set(headers.map { $0["x-webhook-id"] }).count, 1)
                expectNoDifference(Set(headers.map { $0["x-webhook-signature"] }).count, 6)
                expectNoDifference(Set(consumer.deliveries.map(\.body)).count, 1)
                let last = try #require(consumer.deliveries.last)
                try WebhookSignature.verify(
                    last.body, signature: last.headers["x-webhook-signature"],
                    timestamp: last.headers["x-webhook-timestamp"], secrets: [webhook.secret],
                    now: fixture.clock.date)
                expectSame(try await statuses(fixture.gateway), ["failed"])
            }
        }
    }

    @Test func `the ladder goes on after a restart`() async throws {
        let consumer = Consumer(.answer(503))
        let first = try GatewayFixture()
        defer { first.remove() }
        try await consumer.serving { url in
            let attempts = attempts(of: first.gateway)
            try await first.running { _ in
                _ = try await first.gateway.setWebhook(WebhookRequest(url: url))
                try await first.gateway.phones.send(from: "+15559876543", body: "x")
                _ = await attempts.prefix(collecting: 1)
            }
            consumer.react(.answer(200))
            first.clock.advance(by: .seconds(300))
            let second = try GatewayFixture(in: first.directory, clock: first.clock)
            let later = self.attempts(of: second.gateway)
            try await second.running { _ in
                let records = await later.prefix(collecting: 1)
                expectNoDifference(records.map(\.decision), [.succeeded])
                expectNoDifference(records.map(\.attemptCount), [2])
                expectSame(try await statuses(second.gateway), ["success"])
            }
        }
        expectNoDifference(Set(consumer.deliveries.map { $0.headers["x-webhook-id"] }).count, 1)
    }

    @Test func `an answer that does not come within the timeout is tried again`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer(.silence)
        try await consumer.serving { url in
            let attempts = attempts(of: fixture.gateway)
            try await fixture.running { _ in
                _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url, timeout: 5))
                try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
                _ = await consumer.next()
                await fixture.clock.sleepers(atLeast: 1)
                fixture.clock.advance(by: .seconds(5))
                let record = try #require(await attempts.prefix(collecting: 1).first)
                expectNoDifference(record.errorMessage, "no answer within 5 s")
                expectNoDifference(record.decision, .retry(after: .seconds(300)))
            }
        }
    }

    @Test func `a redirect is final and not followed`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let elsewhere = Consumer()
        let consumer = Consumer()
        try await elsewhere.serving { target in
            try await consumer.serving { url in
                consumer.react(.redirect(target))
                let attempts = attempts(of: fixture.gateway)
                try await fixture.running { _ in
                    _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url))
                    try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
                    let record = try #require(await attempts.prefix(collecting: 1).first)
                    expectNoDifference(record.decision, .failed)
                    expectNoDifference(record.httpStatus, 302)
                }
            }
        }
        expectNoDifference(elsewhere.deliveries.count, 0)
    }

    @Test func `nobody listening is tried again`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let url = try await Consumer().serving { $0 }
        let attempts = attempts(of: fixture.gateway)
        try await fixture.running { _ in
            _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url))
            try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
            let record = try #require(await attempts.prefix(collecting: 1).first)
            expectNoDifference(record.decision, .retry(after: .seconds(300)))
            #expect(record.errorMessage?.hasPrefix("no connection to the endpoint") == true)
        }
    }

    @Test func `one conversation's deliveries arrive in order`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            let attempts = attempts(of: fixture.gateway)
            try await fixture.running { _ in
                _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url, contextLimit: 0))
                for index in 0..<20 { try await fixture.gateway.phones.send(from: "+15559876543", body: "\(index)") }
                _ = await attempts.prefix(collecting: 20)
            }
        }
        expectNoDifference(
            consumer.deliveries.map { $0.json["data"]?.text("message") ?? "" }, (0..<20).map(String.init))
    }

    @Test func `a conversation with many deliveries holds up no other`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer(.silence)
        try await consumer.serving { url in
            _ = try await fixture.gateway.setWebhook(WebhookRequest(url: url, contextLimit: 0))
            for index in 0..<100 { try await fixture.gateway.phones.send(from: "+15550000001", body: "\(index)") }
            try await fixture.gateway.phones.send(from: "+15550000002", body: "the other")
            try await fixture.running { _ in
                let started = [await consumer.next(), await consumer.next()].map { $0?.json["data"]?.text("message") }
                expectNoDifference(Set(started), ["0", "the other"])
            }
        }
    }

    @Test func `what happens while deliveries are switched off is lost to webhooks alone`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                let gateway = fixture.gateway
                _ = try await gateway.setWebhook(WebhookRequest(url: url))
                try await gateway.phones.setDeliversWebhooks(false)
                let lost = try await gateway.phones.send(from: "+15559876543", body: "lost")
                try await gateway.phones.setDeliversWebhooks(true)
                try await gateway.phones.send(from: "+15559876543", body: "kept")
                expectSame(await consumer.next()?.json["data"]?["message"], "kept")
                let page = try await gateway.messages(in: lost.conversationID, limit: 10, before: nil, after: nil)
                expectNoDifference(page.data.map(\.body), ["kept", "lost"])
            }
        }
    }

    @Test func `deliveries of a removed webhook are given up`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        _ = try await gateway.setWebhook(WebhookRequest(url: "http://127.0.0.1:9/hook"))
        try await gateway.phones.send(from: "+15559876543", body: "x")
        try await gateway.deleteWebhook()
        expectSame(try await statuses(gateway), ["failed"])
        try await gateway.phones.send(from: "+15559876543", body: "nobody to tell")
        expectSame(try await statuses(gateway), ["failed"])
    }

    @Test func `a host that DNS leads to a private address is refused at the attempt`() async throws {
        let addresses = Mutex(["93.184.216.34"])
        let guardian = AddressGuard(allowsLocal: false) { _ in addresses.withLock { $0 } }
        let fixture = try GatewayFixture(guardian: guardian)
        defer { fixture.remove() }
        let attempts = attempts(of: fixture.gateway)
        _ = try await fixture.gateway.setWebhook(WebhookRequest(url: "https://hooks.example.com/x"))
        addresses.withLock { $0 = ["93.184.216.34", "10.0.0.7"] }
        try await fixture.running { _ in
            try await fixture.gateway.phones.send(from: "+15559876543", body: "x")
            let record = try #require(await attempts.prefix(collecting: 1).first)
            expectNoDifference(record.decision, .failed)
            expectNoDifference(
                record.errorMessage,
                "the host hooks.example.com leads to 10.0.0.7, which is not a public address")
        }
    }
}
