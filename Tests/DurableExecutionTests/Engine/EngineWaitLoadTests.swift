import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

/// Many waits, long queues and waits that can't be decided yet.
@Suite(.timeLimit(.minutes(2))) struct EngineWaitLoadTests {
    /// A bench on which messages start `rule`, which does `commands`; other events start nothing, and while the switch is
    /// off those of kind `reply` and `noise` can't be prepared.
    func bench(_ commands: [Command]) throws -> (bench: EngineBench, isUp: Switch) {
        let bench = try EngineBench(ScriptedHandler(commands))
        let isUp = Switch()
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        bench.handler.preparing = { event, _ in
            guard isUp.isOn || event.kind == "message" else {
                throw EngineFailure("down", retryable: true, retryAfter: .seconds(3600))
            }
            return .ready(payload: event.payload)
        }
        return (bench, isUp)
    }

    func runs(_ bench: EngineBench) -> Int { bench.observer.notices.filter { $0.hasPrefix("started rule") }.count }

    @Test(arguments: ["reply", "noise"])
    func `a wait whose time is over is decided by the queue's progress, not by looking again and again`(
        kind: String
    ) async throws {
        let (bench, isUp) = try bench([.ask("send"), .wait(.seconds(5)), .once("thank")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: kind)])
            for _ in 0..<60 {
                await engine.idle()
                bench.clock.advance(by: .seconds(1))
            }
            await engine.idle()
            expectNoDifference(runs(bench), 2)
            #expect(bench.handler.performedNames == ["send"])
            isUp.isOn = true
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
        }
        let outcome = try await bench.journal()[1].outcome
        #expect(outcome == Data((kind == "reply" ? "2" : "null").utf8))
        #expect(runs(bench) == 3 && bench.handler.performedNames == ["send", "thank"])
    }

    @Test func `a wait whose time was over is decided after a restart too`() async throws {
        let (bench, isUp) = try bench([.ask("send"), .wait(.seconds(5)), .once("thank")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "noise")])
            await engine.idle()
            bench.clock.advance(by: .seconds(6))
            await engine.idle()
        }
        isUp.isOn = true
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["send", "thank"])
    }

    @Test func `a clock that is set back does not keep such a wait from its decision`() async throws {
        var (bench, isUp) = try bench([.ask("send"), .wait(.seconds(5)), .once("thank")])
        let late = ManualClock(start: bench.clock.date.addingTimeInterval(-7200))
        bench.configuration.maxAge = .seconds(1 << 30)
        try await bench.run { [bench] engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "noise")])
            await engine.idle()
            bench.clock.advance(by: .seconds(6))
            await engine.idle()
        }
        isUp.isOn = true
        bench.clock = late
        try await bench.run { [bench] engine in
            for _ in 0..<3 {
                await engine.idle()
                bench.clock.advance(by: .seconds(3600))
            }
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "thank"])
    }

    @Test func `an answer is found among more events than are looked at at once`() async throws {
        let (bench, isUp) = try bench([.ask("send"), .repeatable("tag"), .wait(), .once("thank")])
        isUp.isOn = true
        bench.handler.performing = { command, context in
            if command.name == "tag", context.attempt == 1 {
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept((0..<249).map { bench.event("n\($0)", kind: "noise") })
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            bench.clock.advance(by: .seconds(2))
            await engine.idle()
        }
        try await expectSame(bench.journal()[2].outcome, Data("251".utf8))
    }

    @Test func `one wait too many in a queue fails, names the setting, and the others go on`() async throws {
        var (bench, isUp) = try bench([.wait(nil), .once("thank")])
        isUp.isOn = true
        bench.configuration.waitLimit = 3
        try await bench.process((0..<4).map { bench.event("\($0)") })
        for event in 1...3 { try await expectSame(bench.invocation(Int64(event))?.state, .waiting) }
        let failed = try await bench.invocation(4)
        #expect(failed?.state == .failed && failed?.failure?.code == "too_many_waits")
        #expect(failed?.failure?.message.contains("limits.waits") == true)
        try await bench.process(bench.event("r", kind: "reply"))
        #expect(bench.handler.performedNames == ["thank", "thank", "thank"])
        try await bench.process(bench.event("5"))
        try await expectSame(bench.invocation(6)?.state, .waiting)
    }

    @Test func `ten thousand waits due at once end in the order of their deadlines, with one replay each`() async throws
    {
        let (bench, isUp) = try bench([])
        isUp.isOn = true
        bench.handler.matching = { event in Matching(starts: [Start(rule: event.queue, version: "1")]) }
        var scripts: [String: ScriptedProgram.Script] = [:]
        for index in 0..<10_000 {
            let wait = Command.wait(.seconds(60) + .milliseconds(index), queue: "\(index)")
            scripts["\(index)"] = ScriptedProgram.making([wait, .repeatable("\(index)")])
        }
        bench.handler.scripts = scripts
        try await bench.run { engine in
            _ = try await engine.accept((0..<10_000).map { bench.event("\($0)", queue: "\($0)") })
            await engine.idle()
            bench.clock.advance(by: .seconds(120))
            await engine.idle()
        }
        let order = bench.handler.performed.compactMap { Int($0.command) }
        expectNoDifference(order.count, 10_000)
        let hands = bench.configuration.parallelism
        let farthest = order.enumerated().map { abs($0 - $1) }.max() ?? 0
        #expect(farthest <= 2 * hands, "one ended \(farthest) places from its own")
        expectNoDifference(bench.observer.notices.filter { $0.hasPrefix("started") }.count, 20_000)
    }

    @Test func `catching up waits for the API, and who waits for that does not look again`() async throws {
        let (bench, isUp) = try bench([.wait(.seconds(3600)), .once("chase")])
        bench.handler.askingToCatchUp = { _ in "api" }
        let tries = LockedCount()
        bench.handler.catchingUp = { _ in
            tries.increment()
            if !isUp.isOn { throw EngineFailure("no answer", retryable: true, upstream: "api") }
        }
        bench.handler.scripts["rule"] = nil
        bench.handler.matching = { event in Matching(starts: [Start(rule: event.queue, version: "1")]) }
        for index in 0..<50 {
            bench.handler.scripts["\(index)"] = ScriptedProgram.making([
                .wait(.seconds(3600), queue: "\(index)"), .once("chase"),
            ])
        }
        try await bench.process((0..<50).map { bench.event("\($0)", queue: "\($0)") })
        bench.clock.advance(by: .seconds(7200))
        try await bench.run { engine in
            for _ in 0..<300 {
                await engine.idle()
                bench.clock.advance(by: .seconds(1))
            }
            await engine.idle()
            #expect(bench.handler.performed.isEmpty)
            #expect(tries.value <= 50 + 12, "\(tries.value) tries in five minutes")
            isUp.isOn = true
            for _ in 0..<30 {
                bench.clock.advance(by: .seconds(10))
                await engine.idle()
            }
        }
        #expect(bench.handler.performed.count == 50)
    }

    @Test func `after a crash, a rule that an event was given to is done with it before the next event's turn`()
        async throws
    {
        let (bench, isUp) = try bench([.wait(), .once("thank"), .once("thank again")])
        isUp.isOn = true
        bench.handler.scripts["next"] = ScriptedProgram.making([.once("next")])
        bench.handler.matching = { event in
            let rule = ["message": "rule", "next": "next"][event.kind]
            return Matching(starts: rule.map { [Start(rule: $0, version: "1")] } ?? [])
        }
        try await bench.process(bench.event("a"))
        let killSwitch = KillSwitch(after: .max)
        bench.handler.hook = { point in
            if point == "permit thank" { killSwitch.trip() }
            try await killSwitch.pass(point)
        }
        let engine = bench.makeEngine(on: StoppingStore(base: bench.store, killSwitch: killSwitch))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            group.addTask {
                _ = try? await engine.accept([bench.event("r", kind: "reply"), bench.event("b", kind: "next")])
            }
            await killSwitch.killed()
            group.cancelAll()
            killSwitch.bury()
        }
        bench.handler.hook = { _ in }
        var slow = bench
        slow.configuration.parallelism = 1
        try await slow.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["thank", "thank again", "next"])
    }
}
