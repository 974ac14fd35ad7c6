import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

/// Looking for what may have taken place.
@Suite(.timeLimit(.minutes(1))) struct EngineUnknownTests {
    static let lost = CommandFailure(code: "timeout", message: "no answer", outcomeUnknown: true, upstreamDown: true)
    static let found = Sighting.tookPlace(outcome: Data("\"found\"".utf8))

    let id = InvocationID(event: 1, place: 0).text

    /// A bench whose `send` has an unknown outcome at its first `count` tries.
    func bench(losing count: Int = 1) throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.once("send").by("api"), .once("react").by("api")]))
        let losses = Mutex(count)
        bench.handler.performing = { command, _ in
            let isLost = losses.withLock { losses in
                guard command.name == "send", losses > 0 else { return false }
                losses -= 1
                return true
            }
            if isLost { throw Self.lost }
            return Data("1".utf8)
        }
        return bench
    }

    func pass(_ bench: EngineBench, _ engine: Engine, seconds: Int) async {
        for _ in 0..<seconds {
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
        }
    }

    @Test(arguments: [
        EngineBreakerTests.refused, CommandFailure(code: "limited", message: "slow down", retryable: true),
    ])
    func `a look that fails is repeated until it succeeds, and nobody is asked`(_ failure: CommandFailure) async throws
    {
        let bench = try bench()
        let isUp = Switch()
        bench.handler.looking = { _, _ in
            guard isUp.isOn else { throw failure }
            return Self.found
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            #expect(try await bench.invocation()?.state == .held)
            await pass(bench, engine, seconds: 600)
            #expect(try await bench.invocation()?.state == .held)
            isUp.isOn = true
            await pass(bench, engine, seconds: 400)
        }
        expectNoDifference(bench.handler.performedNames, ["send", "react"])
        #expect(try await bench.invocation()?.state == .finished)
        #expect(!bench.observer.notices.contains("parked rule"))
    }

    @Test func `while an upstream is known not to answer it is not asked`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send").by("api")]))
        let looks = Mutex(0)
        bench.handler.performing = { _, _ in throw Self.lost }
        bench.handler.looking = { _, _ in
            looks.withLock { $0 += 1 }
            throw EngineBreakerTests.refused
        }
        try await bench.run { engine in
            _ = try await engine.accept((0..<40).map { bench.event("\($0)", queue: "\($0)") })
            await engine.idle()
            await pass(bench, engine, seconds: 300)
            #expect(looks.withLock { $0 } < 100)
            bench.handler.looking = { _, _ in Self.found }
            await pass(bench, engine, seconds: 400)
        }
        #expect(try await bench.store.invocations(InvocationFilter()).allSatisfy { $0.state == .finished })
        #expect(bench.handler.performed.count <= 40)
    }

    @Test func `what is not found is looked for once more, since it may be listed late`() async throws {
        let bench = try bench()
        let looks = Mutex<[Date]>([])
        bench.handler.looking = { [clock = bench.clock] _, _ in
            looks.withLock { looks in
                looks.append(clock.date)
                return looks.count == 1 ? .notFound : Self.found
            }
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            #expect(try await bench.invocation()?.reason?.contains("looked for once more") == true)
            await pass(bench, engine, seconds: 10)
        }
        let times = looks.withLock { $0 }
        #expect(times.count == 2 && times[1].timeIntervalSince(times[0]) >= 5)
        expectNoDifference(bench.handler.performedNames, ["send", "react"])
    }

    @Test func `what is not found twice is a person's to decide`() async throws {
        let bench = try bench()
        let looks = Mutex(0)
        bench.handler.looking = { _, _ in
            looks.withLock { $0 += 1 }
            return .notFound
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            await pass(bench, engine, seconds: 60)
        }
        #expect(looks.withLock { $0 } == 2)
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .parked)
        #expect(invocation?.reason?.hasSuffix(": no answer") == true)
        try await expectSame(bench.journal().map(\.state), [.unknown])
        expectNoDifference(bench.handler.performedNames, ["send"])
    }

    @Test func `a look that can't succeed asks a person, and says why`() async throws {
        let bench = try bench()
        bench.handler.looking = { _, _ in throw CommandFailure(code: "forbidden", message: "the key was revoked") }
        try await bench.process(bench.event("a"))
        let reason = try await bench.invocation()?.reason
        #expect(
            reason?.hasSuffix("no answer; it could not be looked for: the key was revoked") == true, "\(reason ?? "")")
    }

    @Test func `after a restart it is looked for too, also where nobody answers at first`() async throws {
        let bench = try bench(losing: 0)
        let killSwitch = KillSwitch(after: 0)
        bench.handler.hook = { if $0 == "perform send" { try await killSwitch.pass($0) } }
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.addTask { _ = try? await engine.accept([bench.event("a")]) }
            await killSwitch.killed()
            group.cancelAll()
            killSwitch.bury()
        }
        bench.handler.hook = { _ in }
        bench.handler.looking = { _, _ in throw EngineBreakerTests.refused }
        for _ in 0..<3 {
            try await bench.run { engine in
                await engine.idle()
                await pass(bench, engine, seconds: 60)
                try await expectSame(bench.invocation()?.state, .held)
            }
        }
        bench.handler.looking = { _, _ in Self.found }
        try await bench.run { engine in
            await engine.idle()
            await pass(bench, engine, seconds: 60)
        }
        expectNoDifference(bench.handler.performedNames, ["react"])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a person need not wait for the look`() async throws {
        let bench = try bench()
        bench.handler.looking = { _, _ in throw EngineBreakerTests.refused }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.resolve(id, .sent(outcome: Data("\"seen\"".utf8)))
            await engine.idle()
        }
        #expect(try await bench.invocation()?.state == .finished)
        try await expectSame(bench.journal().first?.outcome, Data("\"seen\"".utf8))
    }

    // MARK: What may be repeated

    @Test func `what may be repeated is, within its budget`() async throws {
        let bench = try bench(losing: 3)
        bench.handler.looking = { _, _ in .repeatable }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            await pass(bench, engine, seconds: 60)
        }
        expectNoDifference(bench.handler.performedNames, ["send", "send", "send", "send", "react"])
        expectNoDifference(bench.handler.performed.map(\.attempt), [1, 2, 3, 4, 1])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `what may be repeated and is never answered waits for its upstream, and is decided then`() async throws {
        let bench = try bench(losing: .max)
        bench.handler.looking = { _, _ in .repeatable }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            await pass(bench, engine, seconds: 7200)
            #expect(try await bench.invocation()?.state == .held)
            bench.handler.performing = { _, _ in Data("1".utf8) }
            await pass(bench, engine, seconds: 400)
        }
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `what was in the air at a kill and may be repeated is, however long the process was down`() async throws
    {
        let bench = try bench(losing: 0)
        let killSwitch = KillSwitch(after: 0)
        bench.handler.hook = { if $0 == "perform send" { try await killSwitch.pass($0) } }
        bench.handler.looking = { _, _ in .repeatable }
        let engine = bench.makeEngine()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.addTask { _ = try? await engine.accept([bench.event("a")]) }
            await killSwitch.killed()
            group.cancelAll()
            killSwitch.bury()
        }
        bench.handler.hook = { _ in }
        bench.clock.advance(by: .seconds(86_400))
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["send", "react"])
        #expect(try await bench.invocation()?.state == .finished)
    }
}
