import Foundation
import GRDB
import Synchronization
import Testing

@testable import DurableExecution

@Suite(.timeLimit(.minutes(1))) struct GroupCommitTests {
    /// Has `count` jobs wait for the writer, then lets it go on.
    private func together<Value: Sendable>(
        _ count: Int, on store: SQLiteStore,
        _ job: @escaping @Sendable (Int, inout GroupCommit.Transaction) throws -> Value
    ) async -> [Result<Value, any Error>] {
        let release = DispatchSemaphore(value: 0)
        store.database.asyncWriteWithoutTransaction { _ in release.wait() }
        return await withTaskGroup(of: (Int, Result<Value, any Error>).self) { group in
            for index in 0..<count {
                group.addTask {
                    do {
                        return (index, .success(try await store.commits.submit { try job(index, &$0) }))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            while store.commits.waiting < count { await Task.yield() }
            release.signal()
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    @Test func `many that fail in one batch are each run twice at most, and the others are kept`() async throws {
        let store = try SQLiteStore.inMemory()
        let runs = Mutex<[Int: Int]>([:])
        let results = await together(200, on: store) { index, transaction in
            runs.withLock { $0[index, default: 0] += 1 }
            try transaction.database.execute(
                sql: "INSERT INTO cursors (name, value) VALUES (?, 'v')", arguments: ["\(index)"])
            if index % 2 == 0 { throw EngineError(.conflict, "not this one") }
        }
        #expect(runs.withLock { $0.values.max() } == 2)
        for (index, result) in results.enumerated() {
            #expect(((try? result.get()) != nil) == (index % 2 == 1))
            #expect(try await store.cursor("\(index)") == (index % 2 == 1 ? "v" : nil))
        }
    }

    @Test func `a take-over that is undone with its job leaves the epoch as it was`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        _ = await together(2, on: store) { index, transaction in
            try Epoch(number: 99).makeCurrent(in: transaction.database)
            transaction.epoch = Epoch(number: 99)
            throw EngineError(.conflict, "\(index)")
        }
        try await store.setCursor("c", to: "1", epoch: epoch)
    }

    @Test func `others have their turn on the writer however much comes`() async throws {
        let store = try SQLiteStore.inMemory()
        let stop = Switch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    // There is always one that waits.
                    while !stop.isOn { try await store.commits.submit { _ in } }
                }
            }
            for _ in 0..<100 { try await store.database.writeWithoutTransaction { _ in } }
            stop.isOn = true
            try await group.waitForAll()
        }
    }

    @Test func `a full disk in the second look fails all of them, and the next batch is kept`() async throws {
        let store = try SQLiteStore.inMemory()
        let results = await together(4, on: store) { index, _ in
            if index == 1 { throw EngineError(.conflict, "not this one") }
            if index == 2 { throw DatabaseError(resultCode: .SQLITE_FULL) }
        }
        for result in results { #expect(throws: (any Error).self) { try result.get() } }
        try await store.commits.submit { _ in }
    }
}
