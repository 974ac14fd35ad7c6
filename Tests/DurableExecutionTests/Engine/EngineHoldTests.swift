import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineHoldTests {
    let id = InvocationID(event: 1, place: 0).text
    let down = CommandFailure(code: "unavailable", message: "down", retryable: true)

    /// A bench whose commands are held by key `k` while the switch is on.
    func bench(
        _ commands: [Command], until delay: TimeInterval? = nil
    ) throws -> (bench: EngineBench, isHeld: Switch) {
        let bench = try EngineBench(ScriptedHandler(commands))
        let isHeld = Switch(true)
        bench.handler.permitting = { [clock = bench.clock] _, _ in
            guard isHeld.isOn else { return }
            let until = delay.map { clock.date.addingTimeInterval($0) }
            throw CommandFailure.held(Hold(key: "k", reason: "k is paused", until: until))
        }
        return (bench, isHeld)
    }

    @Test func `a held invocation leaves memory and is listed with the reason`() async throws {
        let (bench, _) = try bench([.once("send")], until: 60)
        try await bench.process(bench.event("a"))
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .held)
        #expect(invocation?.reason == "k is paused")
        #expect(invocation?.holdKey == "k")
        #expect(invocation?.nextAttemptAt == bench.clock.date.addingTimeInterval(60))
        #expect(bench.handler.livePrograms == 0)
        #expect(bench.observer.notices.contains("held rule by k"))
        let entry = try await bench.journal().first
        #expect(entry?.state == .held && entry?.attempts == 0)
    }

    @Test func `it goes on with the same command when its time comes`() async throws {
        let (bench, isHeld) = try bench([.once("send"), .once("react")], until: 60)
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            isHeld.isOn = false
            bench.clock.advance(by: .seconds(59))
            await engine.idle()
            #expect(bench.handler.performed.isEmpty)
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performed.map(\.attempt), [1, 1])
        try await expectSame(bench.journal().map(\.heldFor), [.seconds(60), .zero])
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .finished && invocation?.holdKey == nil)
    }

    @Test func `a release lets go what is held by that key, and nothing else`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let isHeld = Switch(true)
        bench.handler.permitting = { _, context in
            guard isHeld.isOn else { return }
            throw CommandFailure.held(Hold(key: "k\(context.event.sequence % 2)", reason: "held"))
        }
        try await bench.run { engine in
            _ = try await engine.accept((1...4).map { bench.event("\($0)", queue: "\($0)") })
            await engine.idle()
            isHeld.isOn = false
            #expect(try await engine.release("k1") == 2)
            #expect(try await engine.release("k1") == 0)
            await engine.idle()
        }
        #expect(bench.handler.performed.map(\.event).sorted() == [1, 3])
        #expect(try await bench.invocation(2)?.state == .held)
    }

    @Test func `the queue goes on behind a held invocation`() async throws {
        let (bench, isHeld) = try bench([.once("send")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            isHeld.isOn = false
            _ = try await engine.accept([bench.event("b")])
            await engine.idle()
        }
        #expect(bench.handler.performed.map(\.event) == [2])
    }

    @Test func `held time counts neither as tries nor towards the time limit of retries`() async throws {
        let (bench, isHeld) = try bench([.repeatable("tag")])
        isHeld.isOn = false
        bench.handler.performing = { _, context in
            if context.attempt < 3 { throw down }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            isHeld.isOn = true
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
            for _ in 0..<20 {
                bench.clock.advance(by: .seconds(3600))
                try await engine.release("k")
                await engine.idle()
            }
            isHeld.isOn = false
            try await engine.release("k")
            await engine.idle()
            bench.clock.advance(by: .seconds(2))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performed.map(\.attempt), [1, 2, 3])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a release that comes while the hold is being written is not missed`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let isFirst = Switch(true)
        let engine = bench.makeEngine()
        bench.handler.permitting = { _, _ in
            guard isFirst.isOn else { return }
            isFirst.isOn = false
            #expect(try await engine.release("k") == 0)
            throw CommandFailure.held(Hold(key: "k", reason: "held"))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            engine.shutdown()
            try await group.waitForAll()
        }
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a hold without end whose release was cut off by the end of the process is let go at the next start`()
        async throws
    {
        let (bench, isHeld) = try bench([.once("send")])
        try await bench.process(bench.event("a"))
        isHeld.isOn = false
        try await bench.run { engine in await engine.idle() }
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a hold may also come while performing, and the once command is then performed again`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.performing = { [clock = bench.clock] _, context in
            if context.event.sequence == 1, clock.now.offset == .zero {
                throw CommandFailure.held(Hold(key: "k", reason: "later", until: clock.date.addingTimeInterval(5)))
            }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(5))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performed.map(\.attempt), [1, 1])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `what is held can be cancelled, and can be made to try by hand`() async throws {
        let (bench, isHeld) = try bench([.once("send")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            await engine.idle()
            try await engine.cancel(id, reason: "enough")
            isHeld.isOn = false
            try await engine.retry(InvocationID(event: 2, place: 0).text)
            await engine.idle()
            #expect(try await engine.release("k") == 0)
        }
        #expect(try await bench.invocation(1)?.state == .cancelled)
        #expect(try await bench.invocation(2)?.state == .finished)
        #expect(bench.handler.performed.map(\.event) == [2])
    }

    @Test func `a refusal leaves no doubt whether a once command took place`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.permitting = { _, _ in
            throw CommandFailure(code: "opted_out", message: "STOP", outcomeUnknown: true)
        }
        try await bench.process(bench.event("a"))
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .failed && invocation?.failure?.code == "opted_out")
        #expect(bench.handler.performed.isEmpty)
    }
}
