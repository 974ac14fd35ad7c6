import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineCommandTests {
    let down = CommandFailure(code: "unavailable", message: "upstream is down", retryable: true)

    /// Lets time pass in steps, so that every retry comes.
    func wait(_ bench: EngineBench, _ engine: Engine, steps: Int = 10) async {
        for _ in 0..<steps {
            await engine.idle()
            bench.clock.advance(by: .seconds(300))
        }
        await engine.idle()
    }

    @Test func `a retry repeats the failed command, not the rule`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .repeatable("tag"), .once("react")]))
        bench.handler.performing = { command, context in
            if command.name == "tag", context.attempt < 3 { throw down }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine)
        }
        expectNoDifference(bench.handler.performedNames, ["send", "tag", "tag", "tag", "react"])
        expectNoDifference(bench.handler.performed.map(\.attempt), [1, 1, 2, 3, 1])
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .finished)
        #expect(invocation?.attempt == 3)
        #expect(invocation?.reason == nil)
        #expect(bench.handler.livePrograms == 0)
    }

    @Test func `a retrying invocation does not hold up its queue, and says when it goes on`() async throws {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        bench.handler.performing = { _, context in
            if context.event.sequence == 1 { throw down }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("a"), bench.event("b"))
        #expect(bench.handler.performed.map(\.event) == [1, 2])
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .retrying)
        #expect(invocation?.reason == "upstream is down")
        #expect(invocation?.nextAttemptAt == bench.clock.date.addingTimeInterval(1))
    }

    @Test func `a later try comes no sooner than the other side asked`() async throws {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        bench.handler.performing = { _, _ in
            throw CommandFailure(code: "limited", message: "slow down", retryable: true, retryAfter: .seconds(90))
        }
        try await bench.process(bench.event("a"))
        #expect(try await bench.invocation()?.nextAttemptAt == bench.clock.date.addingTimeInterval(90))
    }

    @Test func `a once command that failed without effect is tried again`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.performing = { _, context in
            if context.attempt == 1 { throw down }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine, steps: 2)
        }
        #expect(bench.handler.performed.map(\.attempt) == [1, 2])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a once command with an unknown outcome parks its invocation and is never repeated`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        bench.handler.performing = { _, _ in
            throw CommandFailure(code: "timeout", message: "no answer in 10 s", retryable: true, outcomeUnknown: true)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine)
        }
        expectNoDifference(bench.handler.performedNames, ["send"])
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .parked)
        #expect(
            invocation?.reason
                == #"unknown outcome of command 0, send {"name":"send"} at rules/a.lua:7: no answer in 10 s"#)
        #expect(try await bench.journal().map(\.state) == [.unknown])
    }

    @Test func `a repeatable command with an unknown outcome is repeated`() async throws {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        bench.handler.performing = { _, context in
            if context.attempt == 1 { throw CommandFailure(code: "timeout", message: "?", outcomeUnknown: true) }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine, steps: 1)
        }
        #expect(bench.handler.performed.count == 2)
    }

    @Test func `an error nobody foresaw leaves the outcome of a once command unknown`() async throws {
        struct Oddity: Error {}
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.performing = { _, _ in throw Oddity() }
        try await bench.process(bench.event("a"))
        #expect(try await bench.invocation()?.state == .parked)
    }

    @Test func `a program may handle a final failure`() async throws {
        let bench = try EngineBench()
        bench.handler.scripts["rule"] = { inputs in
            switch inputs.count {
            case 0: ProgramStep(next: .command(.once("send")))
            case 1: ProgramStep(next: .command(.once(inputs[0] == .failure(.gone) ? "apologise" : "go on")))
            default: ProgramStep(next: .finished(Data("\"end\"".utf8)))
            }
        }
        bench.handler.performing = { command, _ in
            if command.name == "send" { throw CommandFailure.gone }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("a"))
        expectNoDifference(bench.handler.performedNames, ["send", "apologise"])
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .finished)
        #expect(invocation?.result == Data("\"end\"".utf8))
    }

    @Test func `a command is given up when its budget is used up, and the dead letter says why`() async throws {
        var bench = try EngineBench(ScriptedHandler([.repeatable("tag")]))
        bench.configuration.retry.attemptLimit = 3
        bench.handler.performing = { _, _ in throw down }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine)
        }
        #expect(bench.handler.performed.count == 3)
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .failed)
        #expect(invocation?.failure == ProgramFailure(code: "unavailable", message: "upstream is down"))
        #expect(try await bench.journal().map(\.state) == [.failed])
    }

    @Test func `what a performer noted comes back on the next try`() async throws {
        let bench = try EngineBench(ScriptedHandler([.read("get"), .repeatable("increment")]))
        let given = Mutex<[Data?]>([])
        let late = Mutex<[Bool]>([])
        let start = bench.clock.date
        bench.handler.performing = { command, context in
            guard command.name == "increment" else { return Data("1".utf8) }
            given.withLock { $0.append(context.checkpoint) }
            late.withLock { $0.append(context.isLate) }
            #expect(context.askedAt == start)
            if context.attempt == 1 {
                try await context.save(
                    Data("41".utf8), [.set(scope: "s", key: "note", value: Data("7".utf8))])
                throw down
            }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine, steps: 1)
        }
        expectNoDifference(given.withLock { $0 }, [nil, Data("41".utf8)])
        expectNoDifference(late.withLock { $0 }, [false, true])
        let noted = try await bench.store.value(scope: "s", key: "note", at: bench.clock.date)
        expectNoDifference(noted, Data("7".utf8))
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `store operations happen and answer as documented`() async throws {
        let commands: [Command] = [
            .store(.increment(scope: "s", key: "n", by: .integer(2))),
            .store(.increment(scope: "s", key: "n", by: .integer(3))),
            .store(.get(scope: "s", key: "n")),
            .store(.set(scope: "s", key: "t", value: Data("\"x\"".utf8))),
            .store(.compareAndSet(scope: "s", key: "t", expected: Data("\"y\"".utf8), value: nil)),
            .store(.compareAndSet(scope: "s", key: "t", expected: Data("\"x\"".utf8), value: nil)),
            .store(.get(scope: "s", key: "t")),
        ]
        let bench = try EngineBench(ScriptedHandler(commands))
        try await bench.process(bench.event("a"))
        let outcomes = try await bench.journal().map { String(decoding: $0.outcome ?? Data(), as: UTF8.self) }
        expectNoDifference(outcomes, ["2", "5", "5", "null", "false", "true", "null"])
        #expect(bench.handler.performed.isEmpty)
    }

    @Test func `a store operation that can't be done fails for the program`() async throws {
        let bench = try EngineBench(
            ScriptedHandler([
                .store(.set(scope: "s", key: "n", value: Data("\"x\"".utf8))),
                .store(.increment(scope: "s", key: "n", by: .integer(1))),
            ]))
        try await bench.process(bench.event("a"))
        #expect(try await bench.invocation()?.failure?.code == "not_a_number")
    }

    @Test func `an invocation that makes too many commands is stopped`() async throws {
        var bench = try EngineBench()
        bench.configuration.commandLimit = 10
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(.read("again"))) }
        try await bench.process(bench.event("a"))
        #expect(bench.handler.performed.count == 10)
        #expect(try await bench.invocation()?.failure?.code == "too_many_commands")
    }

    @Test func `log lines are kept once though the rule is replayed`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .repeatable("tag")]))
        bench.handler.performing = { command, context in
            if command.name == "tag", context.attempt < 3 { throw down }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await wait(bench, engine, steps: 3)
        }
        let logs = try await bench.store.logs(of: InvocationID(event: 1, place: 0).text)
        expectNoDifference(logs.map(\.line.message), ["before send", "before tag"])
        #expect(bench.observer.notices.filter { $0.hasPrefix("log") }.count == 2)
    }

    @Test func `a rule that asks for something else when replayed is parked and both commands are named`() async throws
    {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .repeatable("tag")]))
        bench.handler.performing = { command, _ in
            if command.name == "tag" { throw down }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.handler.scripts["rule"] = ScriptedProgram.making([.once("sing")])
            await wait(bench, engine, steps: 1)
        }
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .parked)
        #expect(invocation?.reason?.hasPrefix(#"diverged at command 0: recorded send {"name":"send"}"#) == true)
        #expect(invocation?.reason?.contains("now attempted sing") == true)
    }
}

extension CommandFailure {
    static let gone = CommandFailure(code: "gone", message: "the conversation is gone")
}
