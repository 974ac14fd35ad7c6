import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

@Suite(.timeLimit(.minutes(1))) struct CensusTests {
    @Test func `what is open is counted by state, and what ended is not`() async throws {
        let store = try SQLiteStore.inMemory()
        let nothing = try await store.census()
        expectNoDifference(nothing, Census())
        let bench = try EngineBench(store: store)
        bench.handler.scripts["waiter"] = ScriptedProgram.making([.wait(queue: "q")])
        bench.handler.matching = { _ in
            Matching(starts: [Start(rule: "rule", version: "v1"), Start(rule: "waiter", version: "v1")])
        }
        _ = try await bench.makeEngine().accept([bench.event("a")])
        let pending = try await store.census()
        expectNoDifference(pending.events, [.pending: 1])

        try await bench.process()
        let after = try await store.census()
        expectNoDifference(after.events, [:])
        expectNoDifference(after.invocations, [.waiting: 1])
    }

    @Test func `a file is read beside its writer, and cannot be written so`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        let writer = try SQLiteStore(path: path)
        let epoch = try await writer.takeOver()
        try await writer.setCursor("poll", to: "12", epoch: epoch)
        let reader = try SQLiteStore(reading: path)
        let cursor = try await reader.cursor("poll")
        expectNoDifference(cursor, "12")
        await #expect(throws: EngineError.self) { try await reader.takeOver() }
    }

    @Test func `a file of an older version is not read but named`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        try await DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE other (id INTEGER)") }
        let error = #expect(throws: EngineError.self) { try SQLiteStore(reading: path) }
        #expect(error?.code == .conflict)
    }
}
