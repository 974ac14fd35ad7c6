import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

@Suite(.timeLimit(.minutes(1))) struct SQLiteStoreTests {
    let time = Date(timeIntervalSince1970: 1_736_942_400)

    func event(_ identity: String, bytes: Int = 2) -> NewEvent {
        NewEvent(
            identities: [identity], queue: "q", kind: "message", source: "webhook",
            payload: Data(repeating: 32, count: bytes), occurredAt: time)
    }

    @Test func `a file is written ahead and synced at every commit`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let modes = try await store.database.writeWithoutTransaction { database in
            [
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try String.fetchOne(database, sql: "PRAGMA synchronous"),
            ]
        }
        // 2 is FULL: https://www.sqlite.org/pragma.html#pragma_synchronous
        expectNoDifference(modes, ["wal", "2"])
    }

    @Test func `what was kept is there after reopening`() async throws {
        let folder = try TemporaryFolder()
        var store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        _ = try await store.accept([event("a")], at: time, epoch: epoch)
        store = try SQLiteStore(path: folder.path("engine.db"))
        #expect(try await store.event(1)?.identity == "a")
        #expect(try await store.takeOver() > epoch)
    }

    @Test(arguments: StoredSchemas.all)
    func `a database that an earlier version left in the middle is gone on with`(schema: String) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        try await DatabaseQueue(path: path).write { try $0.execute(sql: schema) }
        let bench = try EngineBench(
            ScriptedHandler([.once("send"), .repeatable("tag"), .once("react")]), store: SQLiteStore(path: path))
        bench.handler.scripts["waiter"] = ScriptedProgram.making([.wait(queue: "w"), .once("thank")])
        bench.handler.matching = { _ in Matching() }
        try await bench.process(bench.event("r", queue: "w", kind: "reply"))
        #expect(Set(bench.handler.performedNames) == ["tag", "react", "thank"])
        #expect(bench.handler.performed.count == 3)
        try await expectSame(bench.invocation(1)?.state, .finished)
        try await expectSame(bench.invocation(2)?.state, .finished)
    }

    @Test func `what the second version held, paused and suspected is known`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        try await DatabaseQueue(path: path).write { try $0.execute(sql: StoredSchemas.second) }
        let bench = try EngineBench(ScriptedHandler(), store: SQLiteStore(path: path))
        bench.handler.scripts["held"] = ScriptedProgram.making([.once("post")])
        try await expectSame(bench.store.suspects(), [1])
        try await bench.run { engine in
            await engine.idle()
            #expect(try await bench.invocation(3)?.state == .held)
            #expect(try await engine.resume("rule:held") == 1)
            _ = try await engine.accept([bench.event("echo")])
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["post"])
        try await expectSame(bench.store.event(identity: "echo"), 4)
        try await expectSame(bench.store.event(4)?.cause, InvocationID(event: 1, place: 0).text)
    }

    @Test func `the newest stored database has the schema that an empty file gets`() async throws {
        let stored = try DatabaseQueue()
        try await stored.write { try $0.execute(sql: StoredSchemas.newest) }
        let now = try await Self.columns(SQLiteStore.inMemory().database)
        try await expectSame(Self.columns(stored), now)
    }

    @Test(arguments: StoredSchemas.all)
    func `a stored database that is brought up to date has the schema that an empty file gets`(
        _ schema: String
    ) async throws {
        let stored = try DatabaseQueue()
        try await stored.write { try $0.execute(sql: schema) }
        try SQLiteStore.migrator.migrate(stored)
        let now = try await Self.columns(SQLiteStore.inMemory().database)
        try await expectSame(Self.columns(stored), now)
    }

    private static func columns(_ database: any DatabaseWriter) async throws -> [String] {
        try await database.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" FROM sqlite_master m
                    JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'
                    ORDER BY 1
                    """)
        }
    }

    @Test func `a file of a newer version is refused with what to do`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        let store = try SQLiteStore(path: path)
        try await store.database.write { database in
            try database.execute(sql: "INSERT INTO grdb_migrations VALUES ('999: from the future')")
        }
        let error = #expect(throws: EngineError.self) { try SQLiteStore(path: path) }
        #expect(error?.code == .conflict)
    }

    @Test func `a file that is no database is refused`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        try Data("this is not a database, and it is long enough to be looked at".utf8).write(
            to: URL(fileURLWithPath: path))
        let error = #expect(throws: EngineError.self) { try SQLiteStore(path: path) }
        #expect(error?.code == .storeFailed)
    }

    @Test func `a full disk refuses events with a clear error and takes them once there is room`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        try await store.database.writeWithoutTransaction { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
        }
        let error = await #expect(throws: EngineError.self) {
            _ = try await store.accept([event("big", bytes: 1_000_000)], at: time, epoch: epoch)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("full") == true)
        try await store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        let acceptances = try await store.accept([event("big", bytes: 1_000_000)], at: time, epoch: epoch)
        expectNoDifference(acceptances, [.accepted(1)])
    }

    @Test func `a row that can't be read is reported as corrupted`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        _ = try await store.accept([event("a")], at: time, epoch: epoch)
        try await store.database.write { try $0.execute(sql: "UPDATE events SET state = 'dreaming'") }
        let error = await #expect(throws: EngineError.self) { try await store.event(1) }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains("dreaming") == true)
    }

    @Test func `a backup made while writing goes on is whole`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        _ = try await store.accept((0..<100).map { event("\($0)", bytes: 10_000) }, at: time, epoch: epoch)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.backUp(to: folder.path("copy.db")) }
            group.addTask {
                for index in 100..<150 { _ = try await store.accept([event("\(index)")], at: time, epoch: epoch) }
            }
            try await group.waitForAll()
        }
        let copy = try SQLiteStore(path: folder.path("copy.db"))
        #expect(try await copy.checkIntegrity() == [])
        var filter = EventFilter()
        filter.limit = 1000
        let sequences = try await copy.events(filter).map(\.sequence)
        #expect(sequences.count >= 100 && sequences == Array((1...Int64(sequences.count)).reversed()))
    }

    @Test func `a backup that can't be written says so`() async throws {
        let store = try SQLiteStore.inMemory()
        let error = await #expect(throws: EngineError.self) { try await store.backUp(to: "/nowhere/copy.db") }
        #expect(error?.code == .unavailable)
    }

    @Test func `damage is found`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        var store: SQLiteStore? = try SQLiteStore(path: path)
        let epoch = try await store!.takeOver()
        _ = try await store!.accept((0..<200).map { event("\($0)", bytes: 3000) }, at: time, epoch: epoch)
        try await store!.database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        store = nil
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: 4096 * 120)
        try file.write(contentsOf: Data(repeating: 0xff, count: 4096 * 20))
        try file.close()
        let damaged = try SQLiteStore(path: path)
        let findings: [String]
        do { findings = try await damaged.checkIntegrity() } catch { findings = [error.message] }
        #expect(!findings.isEmpty)
    }

    @Test func `writes that come together share commits`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        let observer = CommitCounter()
        store.database.add(transactionObserver: observer, extent: .databaseLifetime)
        // The writer is held until all wait for it.
        let release = DispatchSemaphore(value: 0)
        store.database.asyncWriteWithoutTransaction { _ in release.wait() }
        try await withThrowingTaskGroup(of: Acceptance.self) { group in
            for index in 0..<100 {
                group.addTask { try await store.accept([event("\(index)")], at: time, epoch: epoch)[0] }
            }
            group.addTask {
                while store.commits.waiting < 100 { await Task.yield() }
                release.signal()
                return .accepted(0)
            }
            var sequences: Set<Int64> = []
            for try await acceptance in group { sequences.insert(acceptance.sequence) }
            #expect(sequences.count == 101)
        }
        #expect(observer.count == 1)
    }

    @Test func `one bad write among many fails alone`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        let release = DispatchSemaphore(value: 0)
        store.database.asyncWriteWithoutTransaction { _ in release.wait() }
        let results = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<10 {
                group.addTask {
                    var new = event("\(index)")
                    if index == 3 { new.identities = [] }
                    return (try? await store.accept([new], at: time, epoch: epoch)) != nil
                }
            }
            group.addTask {
                while store.commits.waiting < 10 { await Task.yield() }
                release.signal()
                return true
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(results == 10)
        #expect(try await store.events(EventFilter()).count == 9)
    }

    @Test func `after the disk failed nothing more is taken`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        let first = await #expect(throws: EngineError.self) {
            try await store.commits.submit { _ in throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC) }
        }
        #expect(first?.code == .storeFailed)
        let second = await #expect(throws: EngineError.self) {
            _ = try await store.accept([event("a")], at: time, epoch: epoch)
        }
        #expect(second?.code == .storeFailed)
    }
}

private final class CommitCounter: TransactionObserver, @unchecked Sendable {
    // Only touched on the writer's queue until the test reads it after the last commit.
    private(set) var count = 0
    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseDidCommit(_ db: Database) { count += 1 }
    func databaseDidRollback(_ db: Database) {}
}
