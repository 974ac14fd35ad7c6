import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

/// Clocks that are set while timers run, and machines that sleep.
@Suite(.timeLimit(.minutes(1))) struct EngineClockTests {
    static let year = Duration.seconds(365 * 86_400)
    static let sizes: [Duration] = [
        .milliseconds(1), .milliseconds(5), .milliseconds(500), .seconds(2), .seconds(30), .seconds(59), .seconds(60),
        .seconds(61), .seconds(3600), .seconds(7 * 86_400), year,
    ]
    static let steps = sizes + sizes.map { .zero - $0 }

    /// Lets the continuous clock go on, without a word to the engine, until `isDone`.
    ///
    /// Needs a timer that never ends, so that there always is one to wait for.
    func letTimePass(_ bench: EngineBench, by stride: Duration, until isDone: () -> Bool) async {
        while !isDone(), !Task.isCancelled {
            await bench.clock.sleepers(atLeast: 1)
            guard !isDone() else { return }
            bench.clock.advance(by: max(bench.clock.timeToNextDeadline ?? .zero, stride))
        }
    }

    @Test(arguments: steps)
    func `a clock that is set while a rule sleeps wakes it once, when its time has come`(step: Duration) async throws {
        let bench = try sleeping(.seconds(30))
        try await bench.run { engine in
            _ = try await engine.accept([
                bench.event("a"), bench.event("b", queue: "other"), bench.event("c", queue: "third", kind: "other"),
            ])
            await engine.idle()
            let deadline = bench.time.date.addingTimeInterval(30)
            bench.time.step(by: step)
            let stride = max(step < .zero ? (.zero - step) / 500 : .zero, .milliseconds(1))
            await letTimePass(bench, by: stride) { bench.handler.performed.count == 2 }
            #expect(bench.time.date >= deadline)
            // And nothing more, whatever the clock does now.
            bench.time.step(by: .zero - step)
            for _ in 0..<5 {
                bench.clock.advance(by: .seconds(61))
                await engine.idle()
            }
        }
        expectNoDifference(bench.handler.performedNames, ["wake", "wake"])
    }

    @Test func `a command knows which came after it, also if the clock is set back and the process ends`() async throws
    {
        let asked = Mutex<[Int64: [Int64]]>([:])
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        bench.handler.performing = { _, context in
            asked.withLock { $0[context.event.sequence, default: []].append(context.asked) }
            if context.attempt == 1 { throw CommandFailure(code: "busy", message: "busy", retryable: true) }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("a"))
        bench.time.step(by: .seconds(-3600))
        try await bench.process(bench.event("b"))
        try await bench.run { engine in
            bench.clock.advance(by: .seconds(4000))
            await engine.idle()
        }
        let places = asked.withLock { $0 }
        #expect(places[1]?.count == 2 && places[2]?.count == 2)
        #expect(Set(places[1] ?? []).count == 1 && Set(places[2] ?? []).count == 1)
        #expect((places[1]?.first ?? 0) < (places[2]?.first ?? 0))
        try await expectSame(bench.journal().map(\.asked), places[1].map { [$0[0]] })
    }

    /// A bench with a rule that sleeps, and one that sleeps for ever, so that there always is a timer.
    func sleeping(_ duration: Duration) throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.wait(duration, queue: nil), .once("wake")]))
        bench.handler.scripts["for ever"] = ScriptedProgram.making([.wait(Self.year * 1000, queue: nil)])
        bench.handler.matching = { event in
            Matching(starts: [Start(rule: event.kind == "message" ? "rule" : "for ever", version: "1")])
        }
        return bench
    }

    @Test(arguments: [Duration.seconds(61), .seconds(86_400), year])
    func `a machine that slept wakes within a minute what fell due`(nap: Duration) async throws {
        let bench = try sleeping(.seconds(60))
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b", queue: "other", kind: "other")])
            await engine.idle()
            bench.time.suspend(for: nap)
            // The timer that was set before the nap, which is no longer than a minute.
            await bench.clock.sleepers(atLeast: 1)
            bench.clock.advance(by: .seconds(60))
            while bench.handler.performed.isEmpty, !Task.isCancelled { await Task.yield() }
        }
        expectNoDifference(bench.handler.performedNames, ["wake"])
    }

    @Test(arguments: sizes)
    func `a clock that is set back holds up no retry`(step: Duration) async throws {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        bench.handler.performing = { _, context in
            if context.attempt < 4 { throw CommandFailure(code: "down", message: "down", retryable: true) }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.time.step(by: .zero - step)
            try await letTimePass(bench) { try await bench.invocation()?.state == .finished }
        }
    }

    @Test(arguments: sizes)
    func `a clock that is set back holds up no probe of an upstream`(step: Duration) async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send").by("api")]))
        let isUp = Switch()
        bench.handler.performing = { _, _ in
            guard isUp.isOn else { throw EngineBreakerTests.refused }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept((0..<10).map { bench.event("\($0)", queue: "\($0)") })
            await engine.idle()
            #expect(await engine.breakers.map(\.state) == [.open])
            bench.time.step(by: .zero - step)
            isUp.isOn = true
            try await letTimePass(bench) {
                try await bench.store.invocations(InvocationFilter()).allSatisfy { $0.state == .finished }
            }
        }
    }

    @Test(arguments: sizes)
    func `a clock that is set back holds up no event that could not be prepared`(step: Duration) async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let isUp = Switch()
        bench.handler.preparing = { event, _ in
            guard isUp.isOn else { throw EngineFailure("refused", retryable: true, upstream: "api") }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept((0..<10).map { bench.event("\($0)", queue: "\($0)") })
            await engine.idle()
            bench.time.step(by: .zero - step)
            isUp.isOn = true
            try await letTimePass(bench) { bench.handler.performed.count == 10 }
        }
    }

    /// Lets time pass, second by second, until `isDone`; a year takes longer than the test may.
    private func letTimePass(_ bench: EngineBench, until isDone: () async throws -> Bool) async throws {
        while try await !isDone() {
            try Task.checkCancellation()
            bench.clock.advance(by: .seconds(1))
            for _ in 0..<20 { await Task.yield() }
        }
    }
}
