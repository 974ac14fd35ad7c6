import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineWaitTests {
    /// A bench on which messages start `rule`, which does `commands`, and replies start nothing.
    func bench(_ commands: [Command], rules: [String] = ["rule"]) throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler(commands))
        bench.handler.matching = { event in
            guard event.kind == "message" else { return Matching() }
            return Matching(starts: rules.map { Start(rule: $0, version: "1") })
        }
        return bench
    }

    func outcomes(_ bench: EngineBench, _ event: Int64 = 1, _ place: Int = 0) async throws -> [String] {
        try await bench.journal(event, place).map {
            String(decoding: $0.outcome ?? Data("nothing".utf8), as: UTF8.self)
        }
    }

    @Test func `a wait leaves memory, says what it waits for, and an answer wakes it where it stopped`() async throws {
        let bench = try bench([.ask("send"), .wait(), .once("thank")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            let waiting = try await bench.invocation()
            #expect(waiting?.state == .waiting)
            #expect(waiting?.reason == "waits for a reply at rules/a.lua:12")
            #expect(waiting?.nextAttemptAt == bench.clock.date.addingTimeInterval(7200))
            #expect(bench.handler.livePrograms == 0)
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "thank"])
        try await expectSame(outcomes(bench), ["\"ok\"", "2", "\"ok\""])
        #expect(try await bench.invocation()?.state == .finished)
        #expect(bench.observer.notices.contains("delivered 2 to \(InvocationID(event: 1, place: 0).text)"))
    }

    @Test func `a wait survives a restart`() async throws {
        let bench = try bench([.ask("send"), .wait(), .once("thank")])
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: .seconds(60))
        try await bench.process(bench.event("r", kind: "reply"))
        expectNoDifference(bench.handler.performedNames, ["send", "thank"])
    }

    @Test func `a wait whose time ends goes on with nothing`() async throws {
        let bench = try bench([.ask("send"), .wait(), .once("chase")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(7199))
            await engine.idle()
            #expect(bench.handler.performedNames == ["send"])
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "chase"])
        try await expectSame(outcomes(bench), ["\"ok\"", "null", "\"ok\""])
    }

    @Test func `a sleep ends after its time, whatever comes`() async throws {
        let bench = try bench([.wait(.seconds(10), queue: nil), .once("send")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("r", kind: "reply")])
            await engine.idle()
            #expect(bench.handler.performedNames == [])
            bench.clock.advance(by: .seconds(10))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send"])
    }

    @Test func `what was in the inbox before the question is no answer to it`() async throws {
        let bench = try bench([.ask("send"), .wait(), .once("thank")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("early", kind: "reply")])
            await engine.idle()
            #expect(bench.handler.performedNames == ["send"])
            _ = try await engine.accept([bench.event("late", kind: "reply")])
            await engine.idle()
        }
        try await expectSame(outcomes(bench), ["\"ok\"", "3", "\"ok\""])
    }

    @Test func `without a question, what came after the trigger is an answer`() async throws {
        let bench = try bench([.once("unrelated"), .wait(), .once("thank")])
        try await bench.process(bench.event("a"), bench.event("r", kind: "reply"))
        try await expectSame(outcomes(bench), ["\"ok\"", "2", "\"ok\""])
    }

    @Test func `an answer that comes between question and wait is not missed, though its turn passed`() async throws {
        let bench = try bench([.ask("send"), .repeatable("tag"), .wait(), .once("thank")])
        bench.handler.performing = { command, context in
            if command.name == "tag", context.attempt == 1 {
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            #expect(try await bench.store.event(2)?.state == .done)
            bench.clock.advance(by: .seconds(2))
            await engine.idle()
        }
        try await expectSame(outcomes(bench), ["1", "1", "2", "1"])
    }

    @Test func `no answer is returned twice`() async throws {
        let bench = try bench([.ask("send"), .wait(), .wait(), .once("thank")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r1", kind: "reply")])
            await engine.idle()
            #expect(try await bench.invocation()?.state == .waiting)
            _ = try await engine.accept([bench.event("r2", kind: "reply")])
            await engine.idle()
        }
        try await expectSame(outcomes(bench), ["\"ok\"", "2", "3", "\"ok\""])
    }

    @Test func `an answer does not start the rule that waited for it, but others`() async throws {
        let bench = try bench([.ask("send"), .wait(kind: "message"), .once("thank")], rules: ["rule", "other"])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("b")])
            await engine.idle()
        }
        let id = InvocationID(event: 1, place: 0).text
        try await expectSame(bench.store.starts(of: 2)?.map(\.rule), ["other"])
        try await expectSame(
            bench.store.refusals(of: 2), [Refusal(rule: "rule", reason: "its invocation \(id) waited for it")])
        expectNoDifference(bench.handler.performedNames, ["send", "thank"])
    }

    @Test func `an event that started a rule is no answer to that rule's wait`() async throws {
        let bench = try bench([.once("send"), .repeatable("tag"), .wait(kind: "message")])
        bench.handler.performing = { command, context in
            if command.name == "tag", context.attempt == 1, context.event.sequence == 1 {
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            await engine.idle()
            bench.clock.advance(by: .seconds(2))
            await engine.idle()
        }
        #expect(try await bench.invocation(1)?.state == .waiting)
        #expect(try await bench.invocation(2)?.state == .waiting)
    }

    @Test func `all waits get an answer, newest first, up to an exclusive one, which keeps it from rules`() async throws
    {
        let bench = try bench([], rules: ["a", "b", "c"])
        bench.handler.scripts = [
            "a": ScriptedProgram.making([.wait(), .once("a")]),
            "b": ScriptedProgram.making([.wait(exclusive: true), .once("b")]),
            "c": ScriptedProgram.making([.wait(), .once("c")]),
            "d": ScriptedProgram.making([.once("d")]),
        ]
        bench.handler.matching = { event in
            Matching(starts: (event.kind == "message" ? ["a", "b", "c"] : ["d"]).map { Start(rule: $0, version: "1") })
        }
        try await bench.process(bench.event("m"), bench.event("r1", kind: "reply"))
        expectNoDifference(bench.handler.performedNames, ["c", "b"])
        #expect(try await bench.store.starts(of: 2) == [])
        try await expectSame(
            bench.store.refusals(of: 2),
            [Refusal(rule: "*", reason: "\(InvocationID(event: 1, place: 1).text) of b waited for it exclusively")])
        try await bench.process(bench.event("r2", kind: "reply"))
        expectNoDifference(bench.handler.performedNames, ["c", "b", "a", "d"])
    }

    @Test func `an answer accepted in time wins though its turn comes late`() async throws {
        let bench = try bench([.ask("send"), .wait(.seconds(5)), .once("thank")])
        let isUp = Mutex(false)
        bench.handler.preparing = { event, _ in
            if event.kind == "reply", !isUp.withLock({ $0 }) { throw EngineFailure("down", retryable: true) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            for _ in 0..<10 {
                await engine.idle()
                bench.clock.advance(by: .seconds(2))
            }
            await engine.idle()
            #expect(bench.handler.performedNames == ["send"])
            isUp.withLock { $0 = true }
            for _ in 0..<10 {
                bench.clock.advance(by: .seconds(20))
                await engine.idle()
            }
        }
        try await expectSame(outcomes(bench), ["\"ok\"", "2", "\"ok\""])
    }

    @Test(arguments: [-100, 100])
    func `a wait that fell due while the host was down is decided after catching up`(offset: Int) async throws {
        let bench = try bench([.ask("send"), .wait(.seconds(3600)), .once("thank")])
        try await bench.process(bench.event("a"))
        let deadline = bench.clock.date.addingTimeInterval(3600)
        bench.clock.advance(by: .seconds(7200))
        let caughtUp = Mutex<[String]>([])
        try await bench.run { engine in
            bench.handler.catchingUp = { queue in
                caughtUp.withLock { $0.append(queue) }
                var reply = bench.event("r", kind: "reply")
                reply.occurredAt = deadline.addingTimeInterval(Double(offset))
                _ = try await engine.accept([reply])
            }
            for _ in 0..<5 {
                await engine.idle()
                bench.clock.advance(by: .seconds(1))
            }
        }
        expectNoDifference(caughtUp.withLock { $0 }, ["q"])
        try await expectSame(outcomes(bench), ["\"ok\"", offset < 0 ? "2" : "null", "\"ok\""])
    }

    @Test func `a wait is not decided while catching up fails`() async throws {
        let bench = try bench([.wait(.seconds(3600)), .once("thank")])
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: .seconds(7200))
        let isUp = Mutex(false)
        bench.handler.catchingUp = { _ in
            if !isUp.withLock({ $0 }) { throw EngineFailure("upstream is down", retryable: true) }
        }
        try await bench.run { engine in
            for _ in 0..<5 {
                await engine.idle()
                bench.clock.advance(by: .seconds(1))
            }
            #expect(bench.handler.performed.isEmpty)
            isUp.withLock { $0 = true }
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["thank"])
    }

    @Test func `an offer that can't be decided now is made again`() async throws {
        let bench = try bench([.wait(), .once("thank")])
        let tries = Mutex(0)
        bench.handler.offering = { _, _ in
            let count = tries.withLock {
                $0 += 1
                return $0
            }
            if count == 1 { throw EngineFailure("look-up failed", retryable: true) }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            bench.clock.advance(by: .seconds(2))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["thank"])
    }

    @Test func `a thousand waits are each woken by their own queue's answer`() async throws {
        let bench = try bench([])
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: event.queue, version: "1")] : [])
        }
        for index in 0..<1000 {
            bench.handler.scripts["\(index)"] = ScriptedProgram.making([.wait(queue: "\(index)"), .once("\(index)")])
        }
        try await bench.run { engine in
            _ = try await engine.accept((0..<1000).map { bench.event("m\($0)", queue: "\($0)") })
            await engine.idle()
            _ = try await engine.accept((0..<1000).map { bench.event("r\($0)", queue: "\($0)", kind: "reply") })
            await engine.idle()
        }
        #expect(Set(bench.handler.performedNames).count == 1000)
        #expect(bench.handler.performed.count == 1000)
    }
}
