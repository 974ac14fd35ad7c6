import CustomDump
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import DurableExecution

/// Rows that can't be read, clocks that jump, disks that fill, queues that are long or fail for ever.
@Suite(.timeLimit(.minutes(1))) struct EngineAdversityTests {
    /// A bench on SQLite in memory, with the store at hand for breaking it.
    func bench(_ commands: [Command]) throws -> (bench: EngineBench, store: SQLiteStore) {
        let store = try SQLiteStore.inMemory()
        return (try EngineBench(ScriptedHandler(commands), store: store), store)
    }

    func execute(_ store: SQLiteStore, _ sql: String) async throws {
        try await store.database.write { try $0.execute(sql: sql) }
    }

    /// Statements that damage what is kept of event 1, which is in the middle of things.
    static let damage = [
        "UPDATE journal SET state = 'dreaming' WHERE invocation = 65536",
        "UPDATE journal SET failure = '{nonsense' WHERE invocation = 65536",
        "UPDATE journal SET outcome = NULL, state = 'succeeded' WHERE invocation = 65536",
        "UPDATE journal SET position = 7 WHERE invocation = 65536 AND position = 1",
        "UPDATE journal SET input = X'00' WHERE invocation = 65536",
        "UPDATE journal SET name = '', effect = 'sideways' WHERE invocation = 65536",
        "DELETE FROM journal WHERE invocation = 65536 AND position = 0",
    ]

    @Test(arguments: damage)
    func `a damaged journal parks its invocation with a reason, and the rest goes on`(_ damage: String) async throws {
        let (bench, store) = try bench([.once("send"), .repeatable("tag")])
        let isUp = Switch()
        bench.handler.performing = { command, context in
            if command.name == "tag", context.event.sequence == 1, !isUp.isOn {
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("a"))
        try await execute(store, damage)
        isUp.isOn = true
        bench.clock.advance(by: .seconds(10))
        try await bench.process(bench.event("b"), bench.event("c", queue: "other"))
        let damaged = try await bench.invocation(1)
        #expect(damaged?.state == .parked, "\(String(describing: damaged))")
        #expect(damaged?.reason?.isEmpty == false)
        #expect(bench.handler.performedNames.filter { $0 == "send" }.count == 3)
        try await expectSame(bench.invocation(2)?.state, .finished)
        try await expectSame(bench.invocation(3)?.state, .finished)
    }

    @Test(arguments: ["state = 'dreaming'", "failure = '{nonsense'"])
    func `an invocation that can't be read is parked with a reason, and the rest goes on`(
        _ damage: String
    ) async throws {
        let (bench, store) = try bench([.repeatable("tag")])
        let isUp = Switch()
        bench.handler.performing = { _, _ in
            if !isUp.isOn { throw CommandFailure(code: "down", message: "down", retryable: true) }
            return Data("1".utf8)
        }
        try await bench.process((0..<5).map { bench.event("\($0)", queue: "\($0)") })
        try await execute(store, "UPDATE invocations SET \(damage) WHERE event = 2")
        isUp.isOn = true
        bench.clock.advance(by: .seconds(10))
        try await bench.run { engine in await engine.idle() }
        let states = try await bench.store.invocations(InvocationFilter()).map(\.state)
        expectNoDifference(states, [.finished, .finished, .finished, .parked, .finished])
        #expect(try await bench.invocation(2)?.reason?.hasPrefix("its row can't be read: ") == true)
    }

    @Test func `an event whose state is no word this version knows does not stop the others`() async throws {
        let (bench, store) = try bench([.once("send")])
        let engine = bench.makeEngine()
        _ = try await engine.accept((0..<3).map { bench.event("\($0)", queue: "\($0)") })
        try await execute(store, "UPDATE events SET state = 'dreaming' WHERE sequence = 2")
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performed.map(\.event).sorted(), [1, 3])
        let error = await #expect(throws: EngineError.self) { try await engine.event(2) }
        #expect(error?.code == .corrupted && error?.message.contains("dreaming") == true)
    }

    @Test func `a payload that the handler can't read fails its event alone`() async throws {
        let (bench, _) = try bench([.once("send")])
        bench.handler.preparing = { event, _ in
            guard event.identity != "bad" else {
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "x"))
            }
            return .ready(payload: event.payload)
        }
        try await bench.process(bench.event("bad"), bench.event("b"))
        try await expectSame(bench.store.events(EventFilter()).map(\.state), [.done, .failed])
    }

    // MARK: Clocks

    @Test(arguments: [-604_800, -3600, 3600, 72_000] as [TimeInterval])
    func `a clock that jumps loses nothing and does nothing twice`(jump: TimeInterval) async throws {
        let (bench, _) = try bench([.once("send"), .repeatable("tag"), .wait(.seconds(60), queue: nil), .once("react")])
        let offset = Mutex(0.0)
        let failsOnce = Switch(true)
        bench.handler.performing = { command, _ in
            if command.name == "tag", failsOnce.isOn {
                failsOnce.isOn = false
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        let engine = Engine(
            store: bench.store, handler: bench.handler, configuration: bench.configuration, clock: bench.clock,
            now: { [clock = bench.clock] in clock.date.addingTimeInterval(offset.withLock { $0 }) }, random: { 1 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            offset.withLock { $0 = jump }
            _ = try await engine.accept([bench.event("b", queue: "other")])
            // However far back the clock went, it comes to the old times again.
            for _ in 0..<200 {
                bench.clock.advance(by: .seconds(3600))
                await engine.idle()
            }
            engine.shutdown()
            try await group.waitForAll()
        }
        try await expectSame(bench.invocation(1)?.state, .finished)
        try await expectSame(bench.invocation(2)?.state, .finished)
        let names = bench.handler.performed.filter { $0.event == 1 }.map(\.command)
        expectNoDifference(names, ["send", "tag", "tag", "react"])
    }

    // MARK: Disks

    @Test func `a disk that fills in the middle stops nothing for good`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let bench = try EngineBench(ScriptedHandler([.once("send"), .repeatable("tag"), .once("react")]), store: store)
        bench.handler.performing = { _, _ in Data("\"\(String(repeating: "x", count: 20_000))\"".utf8) }
        let engine = bench.makeEngine()
        let accepted = try await engine.accept((0..<20).map { bench.event("\($0)", queue: "\($0)") }).count
        try await limitPages(store, by: 40)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            await bench.clock.sleepers(atLeast: 1)
            let full = await #expect(throws: EngineError.self) {
                _ = try await engine.accept([bench.event("late", queue: "late", bytes: 400_000)])
            }
            #expect(full?.code == .unavailable && full?.message.contains("full") == true)
            try await limitPages(store, by: nil)
            for _ in 0..<10 { bench.clock.advance(by: .seconds(5)) }
            await engine.idle()
            engine.shutdown()
            try await group.waitForAll()
        }
        #expect(accepted == 20)
        try await expectSame(bench.store.events(EventFilter()).map(\.state), Array(repeating: .done, count: 20))
        let counts = Dictionary(bench.handler.performed.map { ("\($0.event) \($0.command)", 1) }, uniquingKeysWith: +)
        #expect(counts.filter { !$0.key.hasSuffix("tag") }.values.allSatisfy { $0 == 1 }, "\(counts)")
    }

    private func limitPages(_ store: SQLiteStore, by more: Int?) async throws {
        try await store.database.writeWithoutTransaction { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(more.map { pages + $0 } ?? 1_000_000)")
        }
    }

    // MARK: Queues

    @Test func `a queue of 10,000 events holds up nobody else`() async throws {
        var (bench, _) = try bench([.once("send")])
        bench.configuration.parallelism = 4
        let isOpen = Switch()
        bench.handler.preparing = { event, _ in
            if event.queue == "long", !isOpen.isOn { throw EngineFailure("down", retryable: true) }
            return .ready(payload: event.payload)
        }
        bench.handler.matching = { event in
            Matching(starts: event.queue == "long" ? [] : [Start(rule: "rule", version: "1")])
        }
        try await bench.run { [bench] engine in
            _ = try await engine.accept((0..<10_000).map { bench.event("l\($0)", queue: "long") })
            _ = try await engine.accept((0..<50).map { bench.event("\($0)", queue: "\($0)") })
            await engine.idle()
            #expect(bench.handler.performed.count == 50)
            isOpen.isOn = true
            bench.clock.advance(by: .seconds(400))
            await engine.idle()
        }
        let long = bench.handler.matched.filter { $0 <= 10_000 }
        #expect(long == Array(1...10_000))
    }

    @Test func `a queue that fails for ever holds up nobody else, and its events end at last`() async throws {
        let (bench, _) = try bench([.once("send")])
        bench.handler.preparing = { event, _ in
            if event.queue == "sick" { throw EngineFailure("down", retryable: true) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept((0..<20).map { bench.event("s\($0)", queue: "sick") })
            for round in 0..<100 {
                _ = try await engine.accept([bench.event("\(round)", queue: "well")])
                bench.clock.advance(by: .seconds(900))
                await engine.idle()
            }
        }
        #expect(bench.handler.performed.count == 100)
        var filter = EventFilter()
        filter.queue = "sick"
        #expect(try await bench.store.events(filter).allSatisfy { !$0.state.isOpen && $0.note != nil })
    }

    @Test func `a request to cancel is not lost if the process ends before it is carried out`() async throws {
        let (bench, _) = try bench([.once("send"), .once("react")])
        let (inAir, enter) = AsyncStream.makeStream(of: Void.self)
        let (over, bury) = AsyncStream.makeStream(of: Void.self)
        bench.handler.hook = { point in
            guard point == "perform send" else { return }
            enter.yield()
            for await _ in over {}
            throw CancellationError()
        }
        let id = InvocationID(event: 1, place: 0).text
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.addTask { _ = try? await engine.accept([bench.event("a")]) }
            for await _ in inAir.prefix(1) {}
            group.addTask { _ = try? await engine.cancel(id, reason: "enough") }
            while (try? await bench.store.invocation(id))??.cancelRequest == nil { await Task.yield() }
            group.cancelAll()
            bury.finish()
        }
        bench.handler.hook = { _ in }
        try await bench.run { engine in await engine.idle() }
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .cancelled && invocation?.reason == "enough")
        #expect(!bench.handler.performedNames.contains("react"))
    }

    @Test func `what was running when the engine stopped can be cancelled before it starts again`() async throws {
        let (bench, store) = try bench([.once("send")])
        try await bench.process(bench.event("a"))
        try await execute(store, "UPDATE invocations SET state = 'running'")
        let id = InvocationID(event: 1, place: 0).text
        #expect(try await bench.makeEngine().cancel(id, reason: "enough").state == .running)
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.invocation()?.state == .cancelled)
    }
}
