import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// Programs of waiting invocations, kept and rebuilt.
@Suite(.timeLimit(.minutes(1))) struct EngineKeepingTests {
    private let id = InvocationID(event: 1, place: 0).text

    /// A bench on which messages start `rule`, whose programs can be kept, and replies start nothing.
    private func bench(_ commands: [Command], mode: StartMode = .parallel) throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler(commands))
        bench.handler.keepsPrograms.isOn = true
        bench.handler.matching = { event in
            guard event.kind == "message" else { return Matching() }
            return Matching(starts: [Start(rule: "rule", version: "1", mode: mode)])
        }
        return bench
    }

    private static func sleeps(_ count: Int) -> [Command] {
        Array(repeating: Command.wait(.seconds(1), queue: nil), count: count)
    }

    @Test(arguments: [true, false])
    func `a loop of waits goes on where it stands, or is rebuilt at each`(isKept: Bool) async throws {
        let bench = try bench(Self.sleeps(30) + [.once("end")])
        bench.handler.keepsPrograms.isOn = isKept
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            for _ in 0..<30 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
        }
        expectNoDifference(bench.handler.performedNames, ["end"])
        expectNoDifference(bench.handler.madePrograms, isKept ? 1 : 31)
        expectNoDifference(bench.handler.livePrograms, 0)
        try await expectSame(bench.journal().count, 31)
    }

    @Test func `an answer goes to the program that was kept`() async throws {
        let bench = try bench([.ask("send"), .wait(), .once("thank"), .wait(), .once("part")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            for reply in ["r1", "r2"] {
                _ = try await engine.accept([bench.event(reply, kind: "reply")])
                await engine.idle()
            }
        }
        expectNoDifference(bench.handler.performedNames, ["send", "thank", "part"])
        expectNoDifference(bench.handler.madePrograms, 1)
        expectNoDifference(bench.handler.livePrograms, 0)
    }

    @Test func `a program that is not there any more is rebuilt`() async throws {
        let bench = try bench([.ask("send"), .wait(), .once("thank")])
        bench.handler.wakesPrograms.isOn = false
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "thank"])
        expectNoDifference(bench.handler.madePrograms, 2)
        expectNoDifference(bench.handler.livePrograms, 0)
    }

    enum Decision: CaseIterable { case cancel, wake, forget }

    @Test(arguments: Decision.allCases)
    func `what a person decided about is not gone on with from memory`(_ decision: Decision) async throws {
        let bench = try bench([.wait(), .once("thank")])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            expectNoDifference(bench.handler.livePrograms, 1)
            switch decision {
            case .cancel: _ = try await engine.cancel(id)
            case .wake: _ = try await engine.wake(id)
            case .forget: _ = try await engine.forget(queues: ["q"])
            }
            await engine.idle()
            expectNoDifference(bench.handler.livePrograms, 0)
        }
        expectNoDifference(bench.handler.madePrograms, decision == .wake ? 2 : 1)
        expectNoDifference(bench.handler.performedNames, decision == .wake ? ["thank"] : [])
    }

    @Test func `a run that gives way to a new one is not kept`() async throws {
        let bench = try bench([.wait()], mode: .restart)
        try await bench.run { engine in
            for name in ["a", "b", "c"] {
                _ = try await engine.accept([bench.event(name)])
                await engine.idle()
            }
            expectNoDifference(bench.handler.madePrograms, 3)
            expectNoDifference(bench.handler.livePrograms, 1)
        }
        expectNoDifference(bench.handler.livePrograms, 0)
    }

    @Test func `past the limit the run that was left first is rebuilt`() async throws {
        var bench = try bench([.wait(queue: nil)])
        bench.configuration.keptPrograms = 2
        let events = ["a", "b", "c"].map { bench.event($0, queue: $0) }
        try await bench.run { [bench] engine in
            for event in events {
                _ = try await engine.accept([event])
                await engine.idle()
            }
            expectNoDifference(bench.handler.livePrograms, 2)
            bench.clock.advance(by: .seconds(7200))
            await engine.idle()
            expectNoDifference(bench.handler.madePrograms, 4)
        }
        for event in 1...3 { try await expectSame(bench.invocation(Int64(event))?.state, .finished) }
        expectNoDifference(bench.handler.livePrograms, 0)
    }

    @Test func `nothing is kept in a rehearsal`() async throws {
        let bench = try bench([.wait()])
        try await bench.process(bench.event("a"))
        try await bench.run { engine in _ = try await engine.replay(1) }
        expectNoDifference(bench.handler.livePrograms, 0)
    }

    // MARK: What a program stands at

    private func kept(_ change: (inout KeptPrograms.Kept) -> Void = { _ in }) -> KeptPrograms.Kept {
        var invocation = Invocation(
            id: id, event: 1, queue: "q", rule: "rule", version: "1", createdAt: .now, updatedAt: .now)
        invocation.attempt = 3
        var kept = KeptPrograms.Kept(
            program: ScriptedProgram({ _ in ProgramStep(next: .finished(nil)) }, rests: true), invocation: invocation,
            command: .wait(), position: 2, usage: RunUsage())
        change(&kept)
        return kept
    }

    private func taken(_ attempt: Int = 4, version: String = "1") -> Invocation {
        var invocation = kept().invocation
        invocation.attempt = attempt
        invocation.version = version
        return invocation
    }

    private func entry(_ position: Int = 2, _ command: Command = .wait()) -> JournalEntry {
        JournalEntry(
            invocation: id, position: position, name: command.name, input: command.input, effect: "wait",
            intendedAt: .now)
    }

    @Test func `only the next take-up of the same wait and version finds the program where it stands`() {
        #expect(kept().stands(at: taken(), [entry()]))
        #expect(!kept().stands(at: taken(5), [entry()]))
        #expect(!kept().stands(at: taken(version: "2"), [entry()]))
        #expect(!kept().stands(at: taken(), []))
        #expect(!kept().stands(at: taken(), [entry(), entry(3)]))
        #expect(!kept().stands(at: taken(), [entry(3)]))
        #expect(!kept().stands(at: taken(), [entry(2, .wait(kind: "other"))]))
    }

    @Test func `what is kept is found once, replaced by what comes later, and nothing is kept after the end`() async {
        let programs = KeptPrograms(limit: 100)
        await programs.keep(kept())
        await programs.keep(kept { $0.position = 7 })
        expectNoDifference(programs.count, 1)
        expectNoDifference(programs.take(id)?.position, 7)
        #expect(programs.take(id) == nil)
        for round in 0..<1000 {
            await programs.keep(kept { $0.invocation.id = "inv_\(round)" })
            if round >= 50 { await programs.discard("inv_\(round - 50)") }
        }
        expectNoDifference(programs.count, 50)
        await programs.close()
        await programs.keep(kept())
        expectNoDifference(programs.count, 0)
    }
}
