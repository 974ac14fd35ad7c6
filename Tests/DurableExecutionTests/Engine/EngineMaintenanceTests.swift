import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

/// Deleting what is too old or too much, by itself.
@Suite(.timeLimit(.minutes(1))) struct EngineMaintenanceTests {
    func bench(_ store: (any DurableStore)? = nil) throws -> EngineBench {
        var bench = try EngineBench(ScriptedHandler([.once("send")]), store: store)
        bench.configuration.maintenanceInterval = .seconds(3600)
        return bench
    }

    @Test func `once an hour what is too old is deleted while the engine runs`() async throws {
        let bench = try bench()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            await bench.clock.sleepers(atLeast: 1)
            bench.clock.advance(by: .seconds(31 * 24 * 3600))
            while try await engine.event(1) != nil { await Task.yield() }
            try await expectSame(engine.accept([bench.event("a")]), [.duplicate(of: 1)])
        }
    }

    @Test func `beyond a size the oldest events go first, and unfinished ones stay`() async throws {
        let folder = try TemporaryFolder()
        let bench = try bench(SQLiteStore(path: folder.path("engine.db")))
        bench.handler.scripts["waits"] = ScriptedProgram.making([.wait(nil, queue: "q0")])
        bench.handler.matching = { event in
            Matching(starts: [Start(rule: event.sequence == 1 ? "waits" : "rule", version: "1")])
        }
        var retention = Retention()
        retention.byteLimit = 4 << 20
        let limit = retention
        try await bench.run { engine in
            _ = try await engine.accept((0..<1000).map { bench.event("\($0)", queue: "q\($0)", bytes: 10_000) })
            await engine.idle()
            #expect(try await bench.store.size() > 10 << 20)
            let deleted = try await engine.prune(limit)
            #expect(deleted > 500)
            let size = try await bench.store.size()
            #expect(size <= 4 << 20 && size > 2 << 20, "\(size)")
            #expect(try await engine.event(1) != nil)
            #expect(try await engine.event(2) == nil)
            #expect(try await engine.event(1000) != nil)
            #expect(try await engine.prune(limit) == 0)
        }
    }

    @Test func `the log is cut back, and the file does not grow with what comes and goes`() async throws {
        let folder = try TemporaryFolder()
        let bench = try bench(SQLiteStore(path: folder.path("engine.db")))
        func bytes(_ name: String) -> Int {
            ((try? FileManager.default.attributesOfItem(atPath: folder.path(name)))?[.size] as? Int) ?? 0
        }
        var sizes: [Int] = []
        try await bench.run { engine in
            for round in 0..<4 {
                _ = try await engine.accept((0..<200).map { bench.event("\(round).\($0)", bytes: 20_000) })
                await engine.idle()
                bench.clock.advance(by: .seconds(31 * 24 * 3600))
                try await engine.prune()
                try await bench.store.tidy()
                sizes.append(bytes("engine.db"))
                #expect(bytes("engine.db-wal") == 0)
            }
        }
        #expect(sizes[3] <= sizes[1] + sizes[1] / 5, "\(sizes)")
    }

    @Test func `what was deleted is given back to the file system`() async throws {
        let folder = try TemporaryFolder()
        let bench = try bench(SQLiteStore(path: folder.path("engine.db")))
        try await bench.run { engine in
            _ = try await engine.accept((0..<1000).map { bench.event("\($0)", bytes: 20_000) })
            await engine.idle()
            try await bench.store.tidy()
            #expect(folder.bytes("engine.db") > 20 << 20)
            bench.clock.advance(by: .seconds(31 * 24 * 3600))
            try await engine.prune()
            try await bench.store.tidy()
            #expect(folder.bytes("engine.db") < 3 << 20)
        }
    }

    @Test func `the file keeps to its size under load that goes on`() async throws {
        let folder = try TemporaryFolder()
        var bench = try bench(SQLiteStore(path: folder.path("engine.db")))
        var retention = Retention()
        retention.byteLimit = 4 << 20
        bench.configuration.retention = retention
        try await bench.run { engine in
            for round in 0..<8 {
                _ = try await engine.accept(
                    (0..<100).map { bench.event("\(round).\($0)", queue: "q\($0)", bytes: 20_000) })
                await engine.idle()
                try await engine.prune(retention)
                try await bench.store.tidy()
                #expect(folder.bytes("engine.db") <= 6 << 20)
            }
        }
    }

    /// Writes small events without a pause, from several tasks, while `body` runs.
    private func underLoad<Value: Sendable>(
        _ engine: Engine, _ bench: EngineBench, _ body: () async throws -> Value
    ) async throws -> Value {
        let stop = Switch()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var index = 0
                    while !stop.isOn {
                        index += 1
                        _ = try await engine.accept([bench.event("load \(worker).\(index)", queue: "load \(worker)")])
                    }
                }
            }
            let value = try await body()
            stop.isOn = true
            try await group.waitForAll()
            return value
        }
    }

    @Test func `pruning, tidying and forgetting end under steady load`() async throws {
        let folder = try TemporaryFolder()
        let bench = try bench(SQLiteStore(path: folder.path("engine.db")))
        bench.handler.matching = { _ in Matching() }
        try await bench.run { engine in
            _ = try await engine.accept((0..<300).map { bench.event("\($0)", queue: "q\($0 % 3)", bytes: 5000) })
            await engine.idle()
            let forgotten = try await underLoad(engine, bench) {
                try await bench.store.tidy()
                try await engine.prune()
                return try await engine.forget(queues: ["q1"])
            }
            #expect(forgotten.events == 100)
        }
    }

    @Test func `the log is started anew under steady load, and with readers beside it`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        let stop = Switch()
        let written = LockedCount()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    while !stop.isOn {
                        written.increment()
                        let event = NewEvent(
                            identities: [UUID().uuidString], queue: "q", kind: "k", source: "s",
                            payload: Data(repeating: 1, count: 50_000), occurredAt: Date())
                        _ = try await store.accept([event], at: Date(), epoch: epoch)
                    }
                }
                group.addTask { while !stop.isOn { _ = try await store.event(Int64(worker) + 1) } }
            }
            // 100 MB: without a new beginning that would be the size of the log.
            while written.value < 2000 { await Task.yield() }
            stop.isOn = true
            try await group.waitForAll()
        }
        #expect(folder.bytes("engine.db-wal") < 60 << 20)
    }

    @Test func `a small file of an earlier version learns to shrink, and a backup of any does`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        try await DatabaseQueue(path: path).write { try $0.execute(sql: StoredSchemas.second) }
        func mode(_ path: String) async throws -> Int? {
            try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA auto_vacuum") }
        }
        #expect(try await mode(path) == 0)
        do {
            let store = try SQLiteStore(path: path)
            try await expectSame(store.event(identity: "a"), 1)
        }
        #expect(try await mode(path) == 2)
        try await DatabaseQueue(path: path).writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA auto_vacuum = NONE; VACUUM")
        }
        #expect(try await mode(path) == 0)
        try await SQLiteStore(reading: path).backUp(to: folder.path("copy.db"))
        #expect(try await mode(folder.path("copy.db")) == 2)
    }

    @Test func `a backup is one file, as its reader leaves it`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        let event = NewEvent(
            identities: ["a"], queue: "q", kind: "k", source: "s", payload: Data(), occurredAt: Date())
        _ = try await store.accept([event], at: Date(), epoch: epoch)
        let copy = folder.path("copy.db")
        #expect(FileManager.default.createFile(atPath: copy, contents: Data("former".utf8)))
        try await SQLiteStore(reading: folder.path("engine.db")).backUp(to: copy)
        #expect(try await SQLiteStore(reading: copy).checkIntegrity() == [])
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path(""))
        expectNoDifference(files.filter { $0.hasPrefix("copy") }, ["copy.db"])
    }
}

extension TemporaryFolder {
    /// The size of a file; 0 if there is none.
    func bytes(_ name: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path(name)))?[.size] as? Int) ?? 0
    }
}
