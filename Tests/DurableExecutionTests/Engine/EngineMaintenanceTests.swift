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
}
