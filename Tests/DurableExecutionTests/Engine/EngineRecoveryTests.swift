import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

/// What a process leaves behind when it is killed, and what the next one makes of it.
@Suite(.timeLimit(.minutes(5))) struct EngineRecoveryTests {
    static let commands: [Command] = [
        .read("get"), .once("send"), .repeatable("tag"),
        .store(.increment(scope: "s", key: "count", by: .integer(1))), .once("react"),
    ]

    /// What the outside world saw, across both lives of the process.
    final class World: Sendable {
        private let effects = Mutex<[String: Int]>([:])
        func act(_ command: Command, _ event: Int64) {
            effects.withLock { $0["\(command.name) for \(event)", default: 0] += 1 }
        }
        var counts: [String: Int] { effects.withLock { $0 } }

        private let names = Mutex<[String]>([])
        /// The host answered that it keeps this event.
        func accept(_ name: String) { names.withLock { $0.append(name) } }
        var accepted: [String] { names.withLock { $0 } }
    }

    /// Kills the first process at its `step`-th step, lets a second one go on, and checks the promises.
    ///
    /// - Returns: Where it was killed; nil if the first process came to its end before.
    func killAndGoOn(at step: Int) async throws -> String? {
        let bench = try EngineBench(ScriptedHandler(Self.commands))
        let world = World()
        bench.handler.performing = { command, context in
            world.act(command, context.event.sequence)
            return Data("1".utf8)
        }
        bench.handler.preparing = { event, claims in
            _ = try await claims.claim("claimed by \(event.sequence)")
            return .ready(payload: event.payload)
        }
        let killSwitch = KillSwitch(after: step)
        bench.handler.hook = { try await killSwitch.pass($0) }
        let first = bench.makeEngine(on: StoppingStore(base: bench.store, killSwitch: killSwitch))

        try await withThrowingTaskGroup(of: Void.self) { group in
            let (isAccepted, tellAccepted) = AsyncStream.makeStream(of: Void.self)
            group.addTask {
                for await _ in isAccepted.prefix(1) { try? await first.run() }
            }
            group.addTask {
                for name in ["a", "b"] {
                    _ = try await first.accept([bench.event(name)])
                    world.accept(name)
                }
                tellAccepted.yield()
                await first.idle()
                killSwitch.bury()
            }
            await killSwitch.killed()
            bench.handler.hook = { _ in }
            if let point = killSwitch.deadlyPoint {
                try await bench.run { engine in
                    await engine.idle()
                    bench.clock.advance(by: .seconds(3600))
                    await engine.idle()
                }
                try await audit(bench, world, killedAt: point)
            }
            killSwitch.bury()
            first.shutdown()
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
        return killSwitch.deadlyPoint
    }

    func audit(_ bench: EngineBench, _ world: World, killedAt point: String) async throws {
        for (name, count) in world.counts where name.hasPrefix("send") || name.hasPrefix("react") {
            #expect(count == 1, "\(name) took place \(count) times, killed at: \(point)")
        }
        for name in world.accepted {
            #expect(try await bench.store.event(identity: name) != nil, "\(name) was lost, killed at: \(point)")
        }
        let events = try await bench.store.events(EventFilter())
        #expect(events.allSatisfy { $0.state == .done }, "not done, killed at: \(point): \(events)")
        var ran: Int64 = 0
        for event in events {
            let invocations = try await bench.store.starts(of: event.sequence) ?? []
            #expect(invocations.count == 1)
            for invocation in invocations {
                let isUnknown = invocation.state == .parked && invocation.reason?.contains("unknown outcome") == true
                #expect(invocation.state == .finished || isUnknown, "\(invocation), killed at: \(point)")
                let journal = try await bench.store.journal(of: invocation.id)
                if isUnknown { #expect(journal.last?.effect == "once" && journal.last?.state == .unknown) }
                if journal.contains(where: { $0.name == "store" && $0.state == .succeeded }) { ran += 1 }
                let logs = try await bench.store.logs(of: invocation.id).map(\.line.message)
                #expect(Set(logs).count == logs.count, "doubled log lines, killed at: \(point): \(logs)")
            }
        }
        let count = try await bench.store.value(scope: "s", key: "count", at: bench.clock.date)
        #expect(count.map { String(decoding: $0, as: UTF8.self) } ?? "0" == "\(ran)", "killed at: \(point)")
    }

    @Test func `a run whose retry is due at a restart is taken up once, not by its event as well`() async throws {
        let bench = try EngineBench(ScriptedHandler())
        bench.handler.scripts["a"] = ScriptedProgram.making([.repeatable("tag")])
        bench.handler.scripts["b"] = ScriptedProgram.making([.once("send")])
        bench.handler.matching = { _ in Matching(starts: ["a", "b"].map { Start(rule: $0, version: "1") }) }
        bench.handler.performing = { [store = bench.store] command, _ in
            if command.name == "tag" { throw CommandFailure(code: "busy", message: "busy", retryable: true) }
            // The process ends here.
            _ = try await store.takeOver()
            throw CancellationError()
        }
        let engine = bench.makeEngine()
        let life = Task { try await engine.run() }
        _ = try await engine.accept([bench.event("a")])
        await #expect(throws: EngineError.self) { try await life.value }
        bench.clock.advance(by: .seconds(10))
        let tags = Mutex(0)
        bench.handler.performing = { command, _ in
            if command.name == "tag" { tags.withLock { $0 += 1 } }
            return Data("1".utf8)
        }
        try await bench.run { await $0.idle() }
        expectNoDifference(tags.withLock { $0 }, 1)
        try await expectSame(bench.invocation(1, 0)?.state, .finished)
        try await expectSame(bench.invocation(1, 1)?.state, .parked)
        try await expectSame(bench.store.event(1)?.state, .done)
    }

    @Test func `killed at any step, no accepted event is lost and no once command is repeated`() async throws {
        var points: [String] = []
        for index in 0..<500 {
            guard let point = try await killAndGoOn(at: index) else { break }
            points.append(point)
        }
        #expect(points.count > 40, "too few steps to be all: \(points)")
        for point in [
            "before accept", "after accept", "prepare", "after claim", "match", "program", "before write",
            "after write", "perform send", "performed send", "before store", "after store", "perform tag",
            "performed react",
        ] {
            #expect(points.contains(point), "never killed at \(point)")
        }
    }

    /// Kills a process between a question and what follows the answer; the next one is given what was not accepted.
    ///
    /// - Returns: Where it was killed; nil if it came to its end before.
    func killWaiting(at step: Int) async throws -> String? {
        let bench = try EngineBench(ScriptedHandler([.ask("send"), .wait(), .once("thank")]))
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        let killSwitch = KillSwitch(after: step)
        bench.handler.hook = { try await killSwitch.pass($0) }
        let first = bench.makeEngine(on: StoppingStore(base: bench.store, killSwitch: killSwitch))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await first.run() }
            group.addTask {
                for (name, kind) in [("a", "message"), ("r", "reply")] {
                    _ = try await first.accept([bench.event(name, kind: kind)])
                    await first.idle()
                }
                killSwitch.bury()
            }
            await killSwitch.killed()
            bench.handler.hook = { _ in }
            if let point = killSwitch.deadlyPoint {
                try await bench.run { engine in
                    await engine.idle()
                    _ = try await engine.accept([bench.event("a")])
                    await engine.idle()
                    _ = try await engine.accept([bench.event("r", kind: "reply")])
                    await engine.idle()
                }
                try await auditWaiting(bench, killedAt: point)
            }
            killSwitch.bury()
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
        return killSwitch.deadlyPoint
    }

    func auditWaiting(_ bench: EngineBench, killedAt point: String) async throws {
        let counts = Dictionary(bench.handler.performedNames.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.values.allSatisfy { $0 == 1 }, "\(counts), killed at: \(point)")
        let invocation = try await bench.invocation()
        let journal = try await bench.journal()
        switch invocation?.state {
        case .finished:
            #expect(journal.count == 3 && journal[1].outcome == Data("2".utf8), "killed at: \(point): \(journal)")
        case .parked:
            #expect(
                journal.last?.effect == "once" && journal.last?.state == .unknown, "killed at: \(point): \(journal)")
        default:
            Issue.record("killed at: \(point): \(String(describing: invocation)) \(journal)")
        }
    }

    @Test func `killed at any step of waiting, the answer is given once`() async throws {
        var points: [String] = []
        for index in 0..<500 {
            guard let point = try await killWaiting(at: index) else { break }
            points.append(point)
        }
        #expect(points.count > 25 && points.contains("offer"), "too few steps to be all: \(points)")
    }

    @Test func `an engine that was thought dead can write nothing more`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        let killSwitch = KillSwitch(after: 1_000)
        let old = bench.makeEngine(on: StoppingStore(base: bench.store, killSwitch: killSwitch))
        _ = try await old.accept([bench.event("a")])
        try await bench.process(bench.event("b"))
        let error = await #expect(throws: EngineError.self) { try await old.accept([bench.event("c")]) }
        #expect(error?.code == .superseded)
        #expect(try await bench.store.events(EventFilter()).count == 2)
    }

    @Test func `a file left in the middle is gone on with after reopening`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        let handler = ScriptedHandler([.once("send"), .repeatable("tag")])
        let killSwitch = KillSwitch(after: 0)
        let bench = try EngineBench(handler, store: SQLiteStore(path: path))
        handler.hook = { if $0 == "perform tag" { try await killSwitch.pass($0) } }
        let engine = bench.makeEngine()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            await killSwitch.killed()
            handler.hook = { _ in }
            let next = try EngineBench(handler, store: SQLiteStore(path: path))
            try await next.run { engine in await engine.idle() }
            killSwitch.bury()
            group.cancelAll()
        }
        expectNoDifference(handler.performedNames, ["send", "tag", "send", "tag"])
        let events = try await bench.store.events(EventFilter())
        #expect(events.map(\.state) == [.done, .done])
    }

    @Test func `a recorded match is not asked for again`() async throws {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        let killSwitch = KillSwitch(after: 0)
        bench.handler.hook = { if $0 == "perform tag" { try await killSwitch.pass($0) } }
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.addTask { _ = try? await engine.accept([bench.event("a")]) }
            await killSwitch.killed()
            bench.handler.hook = { _ in }
            try? await bench.run { engine in await engine.idle() }
            killSwitch.bury()
            group.cancelAll()
        }
        #expect(bench.handler.matched == [1])
        #expect(try await bench.invocation()?.state == .finished)
        #expect(try await bench.invocation()?.attempt == 2)
    }

    @Test func `a retry that was interrupted is taken up at the next start`() async throws {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        let killSwitch = KillSwitch(after: 0)
        bench.handler.performing = { _, context in
            if context.attempt == 1 { throw CommandFailure(code: "down", message: "down", retryable: true) }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: .seconds(10))
        bench.handler.hook = { if $0 == "perform tag" { try await killSwitch.pass($0) } }
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            await killSwitch.killed()
            bench.handler.hook = { _ in }
            try? await bench.run { engine in await engine.idle() }
            killSwitch.bury()
            group.cancelAll()
        }
        #expect(try await bench.invocation()?.state == .finished)
    }
}
