import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

/// The store's quota, against every implementation.
@Suite(.timeLimit(.minutes(1))) struct StoreQuotaTests {
    typealias Subject = DurableStoreTests.Subject

    private static func quota(keys: Int = 100, bytes: Int = 1000) -> StoreQuota {
        var quota = StoreQuota()
        quota.keyBytes = 8
        quota.valueBytes = 100
        quota.keys = keys
        quota.bytes = bytes
        return quota
    }

    private static func set(
        _ key: String, _ bytes: Int, in scope: String = "acme/photos", ttl: Duration? = nil
    ) -> StoreOperation {
        .set(scope: scope, key: key, value: bytes == 0 ? nil : Data(repeating: 49, count: bytes), ttl: ttl)
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `a key or value that is too large is refused`(_ implementation: DurableStoreTests.Implementation) async throws
    {
        let subject = try await Subject(implementation)
        let quota = Self.quota()
        try await expectSame(subject.perform(Self.set("k", 100), quota: quota, position: 0), "null")
        try await expectSame(subject.perform(Self.set("k", 101), quota: quota, position: 1), "too_large")
        try await expectSame(subject.perform(Self.set("ninebytes", 1), quota: quota, position: 2), "too_large")
        let swap = StoreOperation.compareAndSet(
            scope: "acme/photos", key: "n", expected: nil, value: Data(repeating: 49, count: 101))
        try await expectSame(subject.perform(swap, quota: quota, position: 3), "too_large")
        try await expectSame(
            subject.store.value(scope: "acme/photos", key: "k", at: DurableStoreTests.time)?.count, 100)
        try await expectSame(subject.perform(Self.set("k", 500), position: 4), "null")
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `an owner's scopes count together, and what shrinks is let through`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let quota = Self.quota(bytes: 210)
        try await expectSame(subject.perform(Self.set("a", 100), quota: quota, position: 0), "null")
        let below = "acme/photos/conversation/conv_1"
        try await expectSame(subject.perform(Self.set("b", 100, in: below), quota: quota, position: 1), "null")
        try await expectSame(subject.perform(Self.set("c", 50), quota: quota, position: 2), "too_large")
        try await expectSame(
            subject.perform(Self.set("c", 50, in: "acme/photos2"), quota: quota, position: 3), "null")
        try await expectSame(subject.perform(Self.set("a", 40), quota: quota, position: 4), "null")
        try await expectSame(subject.perform(Self.set("c", 50), quota: quota, position: 5), "null")
        try await expectSame(subject.perform(Self.set("b", 0, in: below), quota: quota, position: 6), "null")
        try await expectSame(subject.perform(Self.set("d", 100), quota: quota, position: 7), "null")
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `keys are counted, also those that an increment makes`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let quota = Self.quota(keys: 2)
        let count = StoreOperation.increment(scope: "acme/photos", key: "n", by: .integer(1))
        try await expectSame(subject.perform(Self.set("a", 1), quota: quota, position: 0), "null")
        try await expectSame(subject.perform(count, quota: quota, position: 1), "1")
        try await expectSame(subject.perform(count, quota: quota, position: 2), "2")
        try await expectSame(subject.perform(Self.set("b", 1), quota: quota, position: 3), "too_large")
        try await expectSame(
            subject.perform(.increment(scope: "acme/photos", key: "m", by: .integer(1)), quota: quota, position: 4),
            "too_large")
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `values whose time is over make room`(_ implementation: DurableStoreTests.Implementation) async throws {
        let subject = try await Subject(implementation)
        let quota = Self.quota(keys: 2)
        for key in ["a", "b"] {
            try await expectSame(
                subject.perform(Self.set(key, 10, ttl: .seconds(5)), quota: quota, position: 0), "null")
        }
        try await expectSame(subject.perform(Self.set("c", 10), quota: quota, position: 1, after: 4), "too_large")
        try await expectSame(subject.perform(Self.set("c", 10), quota: quota, position: 2, after: 5), "null")
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `what is pruned and forgotten no longer counts`(
        _ implementation: DurableStoreTests.Implementation
    ) async throws {
        let subject = try await Subject(implementation)
        let quota = Self.quota(keys: 2)
        let below = "acme/photos/conversation/conv_1"
        _ = try await subject.perform(Self.set("a", 1, in: below), quota: quota, position: 0)
        _ = try await subject.perform(Self.set("b", 1, ttl: .seconds(1)), quota: quota, position: 1)
        let later = DurableStoreTests.time + 10
        _ = try await subject.store.prune(
            Pruning(events: .distantPast, identities: .distantPast, values: later, limit: 10), epoch: subject.epoch)
        _ = try await subject.store.forget(
            Forgetting(queues: [], scopes: [below], at: later, limit: 10), epoch: subject.epoch)
        for key in ["c", "d"] {
            try await expectSame(subject.perform(Self.set(key, 1), quota: quota, position: 2), "null")
        }
        try await expectSame(subject.perform(Self.set("e", 1), quota: quota, position: 3), "too_large")
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `a journal is read from any place on`(_ implementation: DurableStoreTests.Implementation) async throws {
        let subject = try await Subject(implementation)
        for position in 0..<4 { _ = try await subject.perform(Self.set("k", 1), position: position) }
        let id = InvocationID(event: 1, place: 0).text
        try await expectSame(subject.store.journal(of: id, from: 2).map(\.position), [2, 3])
        try await expectSame(subject.store.journal(of: id, from: 4), [])
        try await expectSame(subject.store.journal(of: id).count, 4)
    }

    @Test func `a database of before counts what it holds already`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        try await DatabaseQueue(path: path).write { database in
            try database.execute(sql: StoredSchemas.second)
            try database.execute(
                sql: "INSERT INTO store (scope, key, value) VALUES ('old/pack', 'é', x'3131'), ('old', 'k', x'31')")
        }
        let store = try SQLiteStore(path: path)
        let usage = try await store.read { try StoreUsage.fetch($0, of: "old/pack") }
        expectNoDifference(usage, StoreUsage(keys: 1, bytes: 4))
        try await expectSame(store.read { try StoreUsage.fetch($0, of: "old") }, StoreUsage(keys: 1, bytes: 2))
    }
}
