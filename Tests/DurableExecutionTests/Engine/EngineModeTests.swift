import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineModeTests {
    /// A bench on which every message starts `rule` in `mode`; the rule asks, waits for a reply and thanks.
    func bench(_ mode: StartMode) throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.ask("ask"), .wait(), .once("thank")]))
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1", mode: mode)] : [])
        }
        return bench
    }

    func states(_ bench: EngineBench) async throws -> [InvocationState] {
        try await bench.store.invocations(InvocationFilter()).reversed().map(\.state)
    }

    @Test func `parallel starts beside the one that waits`() async throws {
        let bench = try bench(.parallel)
        try await bench.process(bench.event("a"), bench.event("b"))
        try await expectSame(states(bench), [.waiting, .waiting])
    }

    @Test func `single refuses while one is unfinished, with the reason`() async throws {
        let bench = try bench(.single)
        try await bench.process(bench.event("a"), bench.event("b"), bench.event("c", queue: "elsewhere"))
        try await expectSame(states(bench), [.waiting, .waiting])
        let id = InvocationID(event: 1, place: 0).text
        try await expectSame(
            bench.store.refusals(of: 2), [Refusal(rule: "rule", reason: "single: \(id) is waiting")])
        try await bench.process(bench.event("r", kind: "reply"), bench.event("d"))
        #expect(try await bench.store.starts(of: 5)?.count == 1)
    }

    @Test func `restart cancels the one that waits and starts anew`() async throws {
        let bench = try bench(.restart)
        try await bench.process(bench.event("a"), bench.event("b"))
        try await bench.process(bench.event("r", kind: "reply"))
        try await expectSame(states(bench), [.cancelled, .finished])
        expectNoDifference(bench.handler.performedNames, ["ask", "ask", "thank"])
        #expect(try await bench.invocation(1)?.reason == "event 2 started the rule again")
        #expect(
            bench.observer.notices.contains("ended rule cancelled") == false, "the engine tells of ends that runs make")
    }

    @Test func `restart lets a command in the air end first`() async throws {
        let bench = try bench(.restart)
        let many = (0..<2000).map { Command.once("\($0)") }
        bench.handler.scripts["rule"] = ScriptedProgram.making([.wait(.seconds(10))] + many)
        let (inAir, enter) = AsyncStream.makeStream(of: Void.self)
        bench.handler.performing = { [handler = bench.handler] _, context in
            enter.yield()
            while !handler.matched.contains(2) { await Task.yield() }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(10))
            async let idle: Void = engine.idle()
            for await _ in inAir.prefix(1) {}
            _ = try await engine.accept([bench.event("b")])
            await idle
            await engine.idle()
        }
        try await expectSame(states(bench), [.cancelled, .waiting])
        let journal = try await bench.journal()
        #expect(journal.count < 2000 && journal.allSatisfy { $0.state == .succeeded })
    }

    @Test func `queued starts one after the other, and refuses when the line is full`() async throws {
        let bench = try bench(.queued(limit: 2))
        try await bench.run { engine in
            _ = try await engine.accept(["a", "b", "c", "d"].map { bench.event($0) })
            await engine.idle()
            try await expectSame(states(bench), [.waiting, .queued, .queued])
            try await expectSame(
                bench.store.refusals(of: 4), [Refusal(rule: "rule", reason: "queued: 2 stand in line already")])
            for index in 0..<3 {
                #expect(bench.handler.performedNames.filter { $0 == "ask" }.count == index + 1)
                _ = try await engine.accept([bench.event("r\(index)", kind: "reply")])
                await engine.idle()
            }
        }
        try await expectSame(states(bench), [.finished, .finished, .finished])
    }

    @Test func `those in line go on after a restart`() async throws {
        let bench = try bench(.queued(limit: 2))
        try await bench.process(bench.event("a"), bench.event("b"))
        try await bench.process(bench.event("r", kind: "reply"))
        try await expectSame(states(bench), [.finished, .waiting])
    }

    @Test func `debounce starts once it has been quiet, with the last event`() async throws {
        let bench = try bench(.debounce(.seconds(3)))
        bench.handler.scripts["rule"] = ScriptedProgram.making([.once("sum up")])
        try await bench.run { engine in
            for index in 0..<3 {
                _ = try await engine.accept([bench.event("\(index)")])
                await engine.idle()
                bench.clock.advance(by: .seconds(2))
                await engine.idle()
            }
            #expect(bench.handler.performed.isEmpty)
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performed.map(\.event), [3])
        try await expectSame(states(bench), [.cancelled, .cancelled, .finished])
    }
}
