import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

/// An upstream whose calls hang until their time is over: nobody else is to wait for that.
@Suite(.timeLimit(.minutes(1))) struct EngineOutageTests {
    /// A bench on which the rule of each kind of event does the commands given; calls of `api` hang at the gate.
    func bench(_ rules: [String: [Command]], hands: Int = 4) throws -> (bench: EngineBench, gate: Gate) {
        var bench = try EngineBench()
        bench.configuration.parallelism = hands
        bench.configuration.breaker.callLimit = hands
        let gate = Gate()
        for (kind, commands) in rules { bench.handler.scripts[kind] = ScriptedProgram.making(commands) }
        bench.handler.matching = { event in Matching(starts: [Start(rule: event.kind, version: "1")]) }
        bench.handler.performing = { command, _ in
            if command.upstream == "api" { await gate.pass() }
            return Data("1".utf8)
        }
        return (bench, gate)
    }

    func events(_ bench: EngineBench, _ count: Int, _ kind: String) -> [NewEvent] {
        (0..<count).map { bench.event("\(kind) \($0)", queue: "\(kind) \($0)", kind: kind) }
    }

    /// The gate that every call without upstream passes, to see that it was made.
    func watching(_ bench: EngineBench) -> Gate {
        let made = Gate()
        made.open()
        let performing = bench.handler.performing
        bench.handler.performing = { command, context in
            if command.upstream == nil { await made.pass() }
            return try await performing(command, context)
        }
        return made
    }

    @Test func `while all calls hang, what needs none is done and a sleep ends on time`() async throws {
        let (bench, gate) = try bench([
            "ask": [.once("send").by("api")], "plain": [.once("note")],
            "sleep": [.wait(.seconds(1), queue: nil), .once("wake")],
        ])
        let made = watching(bench)
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 1, "sleep"))
            await engine.idle()
            _ = try await engine.accept(events(bench, 4, "ask"))
            await gate.came(atLeast: 4)
            _ = try await engine.accept(events(bench, 4, "plain"))
            await made.came(atLeast: 4)
            await bench.clock.sleepers(atLeast: 1)
            bench.clock.advance(by: .seconds(1))
            await made.came(atLeast: 5)
            #expect(gate.hanging == 4)
            gate.open()
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames.last, "wake")
    }

    @Test func `when as many calls hang as may, others wait, and nobody waits longer than two silent seconds`()
        async throws
    {
        let (bench, gate) = try bench(["ask": [.once("send").by("api")], "plain": [.once("note")]])
        let made = watching(bench)
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 40, "ask"))
            await gate.came(atLeast: 4)
            // The other hands wait for one of the four to end; the engine has set a timer for that.
            await bench.clock.sleepers(atLeast: 1)
            _ = try await engine.accept(events(bench, 1, "plain"))
            bench.clock.advance(by: .seconds(2))
            await made.came(atLeast: 1)
            expectNoDifference(gate.came, 4)
            #expect(await engine.breakers.map(\.state) == [.open])
            gate.open()
            for _ in 0..<5 {
                await engine.idle()
                bench.clock.advance(by: .seconds(10))
            }
            await engine.idle()
        }
        #expect(Set(bench.handler.performed.map(\.event)).count == 41)
    }

    @Test func `no more calls are in the air than may be, and all are made`() async throws {
        let (bench, gate) = try bench(["ask": [.once("send").by("api"), .once("send again").by("api")]], hands: 8)
        gate.open()
        var busy = bench
        busy.configuration.breaker.callLimit = 2
        let inAir = LockedCount()
        let most = LockedCount()
        busy.handler.performing = { _, _ in
            inAir.increment()
            if inAir.value > 2 { most.increment() }
            await Task.yield()
            inAir.decrement()
            return Data("1".utf8)
        }
        try await busy.process(events(busy, 50, "ask"))
        #expect(most.value == 0 && busy.handler.performed.count == 100)
    }

    @Test func `ten thousand conversations wait for an upstream, and a rule that needs it not is done at once`()
        async throws
    {
        let (bench, _) = try bench(["ask": [.once("send").by("api")], "plain": [.once("note")]], hands: 64)
        let tries = LockedCount()
        bench.handler.asking = { $0.kind == "ask" ? "api" : nil }
        bench.handler.preparing = { event, _ in
            guard event.kind == "ask" else { return .ready(payload: event.payload) }
            tries.increment()
            throw EngineFailure("no answer", retryable: true, upstream: "api")
        }
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 10_000, "ask"))
            await engine.idle()
            #expect(tries.value <= 64)
            for event in events(bench, 50, "plain") { _ = try await engine.accept([event]) }
            await engine.idle()
            expectNoDifference(bench.handler.performed.count, 50)
            let first = tries.value
            for _ in 0..<60 {
                bench.clock.advance(by: .seconds(5))
                await engine.idle()
            }
            #expect(tries.value - first <= 8, "\(tries.value - first) tries in five minutes")
        }
    }

    @Test func `those who waited to be prepared go on in the order of their conversations once it answers`()
        async throws
    {
        let (bench, gate) = try bench(["ask": [.once("send").by("api")]])
        gate.open()
        let isUp = Switch()
        bench.handler.asking = { _ in "api" }
        bench.handler.preparing = { event, _ in
            guard isUp.isOn else { throw EngineFailure("no answer", retryable: true, upstream: "api") }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            for round in 0..<3 {
                _ = try await engine.accept(
                    (0..<200).map { bench.event("\(round) \($0)", queue: "\($0)", kind: "ask") })
            }
            await engine.idle()
            isUp.isOn = true
            for _ in 0..<30 {
                bench.clock.advance(by: .seconds(5))
                await engine.idle()
            }
        }
        let order = Dictionary(grouping: bench.handler.performed.map(\.event)) { ($0 - 1) % 200 }
        #expect(order.count == 200 && order.values.allSatisfy { $0.count == 3 && $0 == $0.sorted() })
    }

    @Test func `a probe ends with the answer, so the rule of its event is not held by it`() async throws {
        let (bench, gate) = try bench(["ask": [.once("send").by("api")]])
        gate.open()
        let isUp = Switch()
        bench.handler.asking = { _ in "api" }
        bench.handler.preparing = { event, _ in
            guard isUp.isOn else { throw EngineFailure("no answer", retryable: true, upstream: "api") }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 10, "ask"))
            await engine.idle()
            isUp.isOn = true
            bench.clock.advance(by: .seconds(300))
            await engine.idle()
        }
        #expect(bench.handler.performed.count == 10)
        expectNoDifference(bench.observer.notices.filter { $0.hasPrefix("held") }, [])
    }

    @Test func `what is worth nothing later is left out while nobody answers`() async throws {
        var typing = Command.repeatable("type").by("api")
        typing.outcomeIfDown = Data("false".utf8)
        let bench = try EngineBench(ScriptedHandler([typing, .once("note")]))
        bench.handler.performing = { command, _ in
            guard command.upstream == nil else { throw EngineBreakerTests.refused }
            return Data("1".utf8)
        }
        try await bench.process((0..<10).map { bench.event("\($0)", queue: "q\($0)") })
        expectNoDifference(bench.handler.performedNames.filter { $0 == "note" }.count, 10)
        #expect(bench.handler.performedNames.filter { $0 == "type" }.count <= 10)
        try await expectSame(bench.journal(10).first?.outcome, Data("false".utf8))
        let state = try await bench.invocation(10)?.state
        #expect(state == .finished)
    }
}
