import Conversations
import CustomDump
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct DeliveryPruningTests {
    private static let day = Duration.seconds(86400)

    @Test func `what is over and old is deleted, what waits is kept, and the all-time counts stay`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        let store = gateway.store
        // Nobody delivers: the gateway doesn't run.
        _ = try await gateway.setWebhook(WebhookRequest(url: "http://127.0.0.1:9/hook"))
        for _ in 0..<3 { try await gateway.phones.send(from: "+15559876543", body: "old") }
        try await settle(store, ["success", "failed", nil], at: gateway.timestamp)
        fixture.clock.advance(by: Self.day * 2)
        try await gateway.phones.send(from: "+15559876543", body: "young")
        try await settle(store, [nil, nil, nil, "success"], at: gateway.timestamp)
        let before = try await gateway.allTimeDeliveryStats()
        expectNoDifference(before, AllTimeDeliveryStats(total: 4, success: 2, failed: 1))

        var pruning = DeliveryPruning(retention: Self.day)
        try await pruning.run(on: store, at: gateway.timestamp)
        expectSame(try await store.read { try DeliveryTable.statuses($0) }, ["pending", "success"])
        expectSame(try await gateway.allTimeDeliveryStats(), before)
        expectSame(try await gateway.deliveryStats(hours: nil).total, 2)
    }

    @Test func `a look comes once an hour, and goes on at once where a batch was full`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        let store = gateway.store
        _ = try await gateway.setWebhook(WebhookRequest(url: "http://127.0.0.1:9/hook"))
        // At once, so that they share commits.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1500 { group.addTask { _ = try await gateway.phones.send(from: "+15559876543", body: "x") } }
            try await group.waitForAll()
        }
        try await settle(store, Array(repeating: "success", count: 1500), at: gateway.timestamp)
        fixture.clock.advance(by: Self.day * 2)
        var pruning = DeliveryPruning(retention: Self.day)
        for left in [500, 0] {
            try await pruning.run(on: store, at: gateway.timestamp)
            expectSame(try await store.read { try DeliveryTable.statuses($0).count }, left)
        }
        try await gateway.phones.send(from: "+15559876543", body: "x")
        try await settle(store, ["success"], at: gateway.timestamp)
        for (hours, left) in [(Double(23), 1), (25, 0)] {
            try await pruning.run(on: store, at: gateway.timestamp.advanced(by: .seconds(hours * 3600)))
            expectSame(try await store.read { try DeliveryTable.statuses($0).count }, left)
        }
        expectSame(try await gateway.allTimeDeliveryStats().success, 1501)
    }

    @Test func `a gateway that runs prunes`() async throws {
        let fixture = try GatewayFixture { $0.deliveryRetention = Self.day }
        defer { fixture.remove() }
        let consumer = Consumer()
        try await consumer.serving { url in
            try await fixture.running { _ in
                let gateway = fixture.gateway
                _ = try await gateway.setWebhook(WebhookRequest(url: url))
                for text in ["one", "two"] {
                    let (stream, continuation) = AsyncStream<DeliveryRecord>.makeStream()
                    gateway.deliveryObserver.withLock { $0 = { continuation.yield($0) } }
                    try await gateway.phones.send(from: "+15559876543", body: text)
                    _ = await stream.prefix(collecting: 1)
                    fixture.clock.advance(by: Self.day * 2)
                }
                // Woken by the clock or by this; then the old ones go.
                gateway.deliverySignal.raise()
                while try await gateway.store.read({ try DeliveryTable.statuses($0) }).count > 0 { await Task.yield() }
                expectSame(try await gateway.allTimeDeliveryStats().success, 2)
            }
        }
    }

    /// Brings the deliveries to an end, in the order of their making; nil leaves one as it is.
    private func settle(_ store: GatewayStore, _ statuses: [String?], at now: Timestamp) async throws {
        let first = try await store.read { try DeliveryTable.statuses($0).count } - statuses.count
        try await store.write { database in
            let rows = try DeliveryTable.rows(database)
            for (row, status) in zip(rows.dropFirst(first), statuses) {
                guard let status else { continue }
                try DeliveryTable.record(
                    database,
                    DeliveryRecord(
                        row: row, decision: status == "success" ? .succeeded : .failed, attemptCount: 1,
                        attemptedAt: now))
            }
        }
    }
}
