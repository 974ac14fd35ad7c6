import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineBreakerTests {
    static let refused = CommandFailure(
        code: "unavailable", message: "connection refused", retryable: true, upstreamDown: true)

    /// A bench whose upstream `api` answers only while the switch is on.
    func bench(_ commands: [Command]) throws -> (bench: EngineBench, isUp: Switch) {
        let bench = try EngineBench(ScriptedHandler(commands))
        let isUp = Switch()
        bench.handler.performing = { command, _ in
            if command.upstream == "api", !isUp.isOn { throw Self.refused }
            return Data("1".utf8)
        }
        return (bench, isUp)
    }

    func events(_ bench: EngineBench, _ count: Int) -> [NewEvent] {
        (0..<count).map { bench.event("\($0)", queue: "q\($0)") }
    }

    /// How many invocations are in each state.
    func states(_ bench: EngineBench) async throws -> [InvocationState: Int] {
        var filter = InvocationFilter()
        filter.limit = 10_000
        return Dictionary(grouping: try await bench.store.invocations(filter), by: \.state).mapValues(\.count)
    }

    @Test func `after five failures in a row work for the upstream waits, and no budget is burnt`() async throws {
        let (bench, isUp) = try bench([.once("send").by("api")])
        try await bench.run { engine in
            _ = try await engine.accept(Array(events(bench, 5)))
            await engine.idle()
            #expect(await engine.breakers.map(\.state) == [.open])
            for event in events(bench, 25).dropFirst(5) { _ = try await engine.accept([event]) }
            await engine.idle()
            #expect(bench.handler.performed.count == 5)
            let held = try await states(bench)[.held] ?? 0
            #expect(held >= 20)
            for _ in 0..<100 {
                bench.clock.advance(by: .seconds(600))
                await engine.idle()
            }
            isUp.isOn = true
            for _ in 0..<3 {
                bench.clock.advance(by: .seconds(600))
                await engine.idle()
            }
            #expect(await engine.breakers.isEmpty)
        }
        try await expectSame(states(bench), [.finished: 25])
        let late = bench.handler.performed.filter { $0.event > 5 }
        #expect(late.allSatisfy { $0.attempt == 1 })
        let notices = bench.observer.notices.filter { $0.hasPrefix("breaker") }
        expectNoDifference(notices, ["breaker opened api", "breaker closed api"])
    }

    @Test func `while nobody answers there is one probe at a time, at growing distances`() async throws {
        let (bench, _) = try bench([.once("send").by("api")])
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 50))
            await engine.idle()
            let first = bench.handler.performed.count
            for _ in 0..<600 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
            // 5, 10, 20, 40, 80, 160 and 300 s after each other: six by the tenth minute, one more with every five.
            #expect(bench.handler.performed.count - first == 6)
        }
    }

    @Test func `other upstreams and commands without one are not held up`() async throws {
        let (bench, _) = try bench([.once("send").by("api")])
        bench.handler.scripts["other"] = ScriptedProgram.making([.once("post").by("host"), .once("plain")])
        bench.handler.matching = { event in
            Matching(starts: [Start(rule: event.kind == "other" ? "other" : "rule", version: "1")])
        }
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 10))
            await engine.idle()
            _ = try await engine.accept([bench.event("o", kind: "other")])
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames.suffix(2), ["post", "plain"])
    }

    @Test func `those who waited go on in bursts`() async throws {
        var (bench, isUp) = try bench([.once("send").by("api")])
        bench.configuration.breaker.burst = 10
        try await bench.run { [bench] engine in
            _ = try await engine.accept(events(bench, 5))
            await engine.idle()
            _ = try await engine.accept((10..<55).map { bench.event("x\($0)", queue: "x\($0)") })
            await engine.idle()
            isUp.isOn = true
            bench.clock.advance(by: .seconds(5))
            await engine.idle()
            var counts: [Int] = []
            for _ in 0..<10 {
                let before = bench.handler.performed.count
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
                counts.append(bench.handler.performed.count - before)
            }
            // The five that failed first retry by themselves.
            #expect(counts.allSatisfy { $0 <= 15 } && counts.filter { $0 > 0 }.count >= 3, "\(counts)")
        }
        try await expectSame(states(bench), [.finished: 50])
    }

    @Test func `a once command that may have arrived stays unknown`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send").by("api")]))
        bench.handler.performing = { _, _ in
            throw CommandFailure(code: "timeout", message: "no answer", outcomeUnknown: true, upstreamDown: true)
        }
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 6))
            await engine.idle()
        }
        #expect(bench.handler.performed.count >= 5)
        try await expectSame(states(bench)[.parked], bench.handler.performed.count)
    }

    @Test func `what is not the upstream's silence counts as an answer`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send").by("api")]))
        bench.handler.performing = { _, context in
            throw context.event.sequence % 5 == 0 ? CommandFailure.gone : Self.refused
        }
        try await bench.run { engine in
            for event in events(bench, 12) {
                _ = try await engine.accept([event])
                await engine.idle()
            }
            #expect(await engine.breakers.map(\.state) == [.closed])
        }
    }

    @Test func `events that need a dead upstream to be prepared wait for the probe, and are not lost`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("note")]))
        let isUp = Switch()
        let tries = LockedCount()
        bench.handler.preparing = { event, _ in
            tries.increment()
            if !isUp.isOn { throw EngineFailure("refused", retryable: true, upstream: "api") }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 20))
            await engine.idle()
            #expect(await engine.breakers.map(\.state) == [.open])
            let first = tries.value
            for _ in 0..<60 {
                bench.clock.advance(by: .seconds(5))
                await engine.idle()
            }
            #expect(tries.value - first <= 8, "\(tries.value - first) tries while nobody answered")
            isUp.isOn = true
            for _ in 0..<120 {
                bench.clock.advance(by: .seconds(5))
                await engine.idle()
            }
        }
        #expect(bench.handler.performed.count == 20)
    }

    @Test func `after a restart what waited for an upstream is tried again`() async throws {
        let (bench, isUp) = try bench([.once("send").by("api")])
        try await bench.run { engine in
            _ = try await engine.accept(events(bench, 30))
            await engine.idle()
        }
        let held = try await states(bench)[.held] ?? 0
        #expect(held > 0)
        isUp.isOn = true
        try await bench.run { engine in
            for _ in 0..<10 {
                await engine.idle()
                bench.clock.advance(by: .seconds(10))
            }
            await engine.idle()
        }
        try await expectSame(states(bench), [.finished: 30])
    }
}
