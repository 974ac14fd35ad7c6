import Conversations
import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct GatewayStoreTests {
    private func temporaryDirectory() -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)")
    }

    @Test func `a commit is on the disk before it is acknowledged`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try GatewayStore(directory: directory)
        // 2 is FULL. Source: https://www.sqlite.org/pragma.html#pragma_synchronous
        expectSame(
            try await store.write { try Int.fetchOne($0, sql: "SELECT synchronous FROM pragma_synchronous") }, 2)
        expectSame(
            try await store.write { try String.fetchOne($0, sql: "SELECT journal_mode FROM pragma_journal_mode") },
            "wal")
    }

    @Test func `of writes committed together a failing one takes no other with it`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try GatewayStore(directory: directory)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask {
                    do {
                        try await store.write { database in
                            try SettingTable.set(database, "\(index)", "x")
                            if index % 3 == 0 { throw APIError.notFound("Nothing") }
                        }
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        expectNoDifference(outcomes, 133)
        expectSame(
            try await store.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM setting WHERE name % 3 = 0") }, 0)
        expectSame(try await store.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM setting") }, 133)
    }

    @Test func `a full disk is told as such, and nothing of the write is kept`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try GatewayStore(directory: directory)
        try store.writeAtStart { database in
            // SQLite reports a database at its largest size as it does a full disk.
            let pages = try Int.fetchOne(database, sql: "SELECT page_count FROM pragma_page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages + 1)")
        }
        do {
            try await store.write { database in
                try SettingTable.set(database, "kept", "no")
                try SettingTable.set(database, "large", String(repeating: "x", count: 100_000))
            }
            Issue.record("the write should have failed")
        } catch {
            expectNoDifference(error, .diskFull)
        }
        expectSame(try await store.read { try SettingTable.value($0, "kept") }, nil)
        try await store.write { try SettingTable.set($0, "small", "yes") }
        expectSame(try await store.read { try SettingTable.value($0, "small") }, "yes")
    }

    @Test func `a database of the first version is brought up to date, and keeps what it holds`() async throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let old = try DatabaseQueue(path: directory.appendingPathComponent("gateway.sqlite").path)
        try GatewaySchema.migrator.migrate(old, upTo: "1")
        try await old.write { try SettingTable.set($0, "kept", "yes") }
        try old.close()
        let store = try GatewayStore(directory: directory)
        expectSame(try await store.read { try SettingTable.value($0, "kept") }, "yes")
        expectSame(try await store.read { try ContactTable.page($0, search: "", limit: 1, offset: 0).total }, 0)
    }

    @Test func `a database of a later version is left alone`() throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        try GatewayStore(directory: directory).writeAtStart {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')")
        }
        let error = #expect(throws: GatewayError.self) { _ = try GatewayStore(directory: directory) }
        expectNoDifference(error?.code, .databaseNewer)
    }

    @Test func `what is no database is told as such`() throws {
        let directory = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data(String(repeating: "no database ", count: 500).utf8)
            .write(to: directory.appendingPathComponent("gateway.sqlite"))
        let error = #expect(throws: GatewayError.self) { _ = try GatewayStore(directory: directory) }
        expectNoDifference(error?.code, .databaseUnusable)
    }

    @Test func `a directory that cannot be made is told as such`() throws {
        let file = temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: file) }
        try Data().write(to: file)
        let error = #expect(throws: GatewayError.self) {
            _ = try GatewayStore(directory: file.appendingPathComponent("inside"))
        }
        expectNoDifference(error?.code, .directoryNotWritable)
    }
}
