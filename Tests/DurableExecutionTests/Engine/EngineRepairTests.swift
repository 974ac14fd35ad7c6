import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineRepairTests {
    let id = InvocationID(event: 1, place: 0).text
    let lost = CommandFailure(code: "timeout", message: "no answer", outcomeUnknown: true)

    /// A bench whose first `send` has an unknown outcome.
    func benchWithUnknownOutcome() throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        let isFirst = Mutex(true)
        bench.handler.performing = { command, _ in
            let fails = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            if fails { throw lost }
            return Data("1".utf8)
        }
        return bench
    }

    @Test func `a person who saw the message makes the rule go on after it`() async throws {
        let bench = try benchWithUnknownOutcome()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.resolve(id, .sent(outcome: Data("\"msg_1\"".utf8)))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "react"])
        try await expectSame(bench.journal().map(\.outcome), [Data("\"msg_1\"".utf8), Data("1".utf8)])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `a person may have it sent again, also while the engine is down`() async throws {
        let bench = try benchWithUnknownOutcome()
        try await bench.process(bench.event("a"))
        try await bench.makeEngine().resolve(id, .resend)
        try await bench.run { engine in await engine.idle() }
        expectNoDifference(bench.handler.performedNames, ["send", "send", "react"])
    }

    @Test func `a person may say that it was not sent, and the rule is told`() async throws {
        let bench = try benchWithUnknownOutcome()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.resolve(id, .notSent)
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send"])
        #expect(try await bench.invocation()?.failure?.code == "outcome_unknown")
    }

    @Test func `what is not unknown can't be resolved`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await bench.process(bench.event("a"))
        let engine = bench.makeEngine()
        let error = await #expect(throws: EngineError.self) { try await engine.resolve(id, .resend) }
        #expect(error?.code == .conflict)
        let missing = await #expect(throws: EngineError.self) { try await engine.resolve("inv_0", .resend) }
        #expect(missing?.code == .notFound)
    }

    @Test func `a rule may decide about an unknown outcome itself`() async throws {
        let bench = try benchWithUnknownOutcome()
        bench.handler.scripts["rule"] = { inputs in
            switch inputs.last {
            case nil: ProgramStep(next: .command(.once("send")))
            case .failure(let failure)?: ProgramStep(next: .command(.once("note \(failure.code)")))
            default: ProgramStep(next: .finished(nil))
            }
        }
        try await bench.process(bench.event("a"))
        expectNoDifference(bench.handler.performedNames, ["send", "note outcome_unknown"])
        #expect(try await bench.invocation()?.state == .finished)
        try await expectSame(bench.journal().map(\.state), [.failed, .succeeded])
    }

    @Test func `an effect that is found to have taken place is not unknown`() async throws {
        let bench = try benchWithUnknownOutcome()
        bench.handler.looking = { _, _ in .tookPlace(outcome: Data("\"found\"".utf8)) }
        try await bench.process(bench.event("a"))
        expectNoDifference(bench.handler.performedNames, ["send", "react"])
        try await expectSame(bench.journal().first?.outcome, Data("\"found\"".utf8))
    }

    @Test func `a dead letter goes on where it stopped, with a fresh budget`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send"), .once("react")]))
        let isUp = Mutex(false)
        bench.handler.performing = { command, _ in
            if command.name == "react", !isUp.withLock({ $0 }) { throw CommandFailure.gone }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            #expect(try await bench.invocation()?.state == .failed)
            isUp.withLock { $0 = true }
            try await engine.retry(id, version: "2")
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "react", "react"])
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .finished)
        #expect(invocation?.version == "2")
        #expect(invocation?.failure == nil)
    }

    @Test func `a dead letter whose rule changed shows where it diverges`() async throws {
        let bench = try EngineBench()
        bench.handler.scripts["rule"] = { inputs in
            inputs.isEmpty
                ? ProgramStep(next: .command(.once("send")))
                : ProgramStep(next: .failed(ProgramFailure(code: "runtime", message: "oh")))
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.handler.scripts["rule"] = ScriptedProgram.making([.once("sing")])
            try await engine.retry(id)
            await engine.idle()
        }
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .parked)
        #expect(invocation?.reason?.hasPrefix("diverged at command 0") == true)
    }

    @Test func `starting anew names what would be repeated, and repeats it only if told to`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            let error = await #expect(throws: EngineError.self) { try await engine.restart(id) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains(#"send {"name":"send"} at rules/a.lua:7"#) == true)
            try await engine.restart(id, repeating: true)
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "send"])
        #expect(try await bench.journal().count == 1)
    }

    @Test func `a wait can be cancelled, and then no answer wakes it`() async throws {
        let bench = try EngineBench(ScriptedHandler([.wait(), .once("thank")]))
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.cancel(id, reason: "enough")
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            bench.clock.advance(by: .seconds(10_000))
            await engine.idle()
            await #expect(throws: EngineError.self) { try await engine.cancel(id) }
        }
        #expect(bench.handler.performed.isEmpty)
        let invocation = try await bench.invocation()
        #expect(invocation?.state == .cancelled)
        #expect(invocation?.reason == "enough")
    }

    @Test func `an invocation that runs is cancelled after the command in the air`() async throws {
        let bench = try EngineBench()
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(.once("again"))) }
        let (inAir, enter) = AsyncStream.makeStream(of: Void.self)
        bench.handler.performing = { _, _ in
            enter.yield()
            return Data("1".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            for await _ in inAir.prefix(1) {}
            #expect(try await engine.cancel(id, reason: "enough").state == .cancelled)
        }
        let journal = try await bench.journal()
        #expect(journal.count == bench.handler.performed.count && journal.allSatisfy { $0.state == .succeeded })
    }

    @Test func `a wait can be woken by hand`() async throws {
        let bench = try EngineBench(ScriptedHandler([.wait(), .once("thank")]))
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.wake(id)
            await engine.idle()
            await #expect(throws: EngineError.self) { try await engine.wake(id) }
        }
        expectNoDifference(bench.handler.performedNames, ["thank"])
    }

    // MARK: What may have taken place

    /// How an invocation can end whose send was in the air as its process ended.
    enum Ending: CaseIterable {
        /// It was asked to end before the next start.
        case cancelled
        /// The rule was gone at the next start.
        case ruleGone
        /// The rule caught the failure, and failed later for another reason.
        case caught
    }

    /// A bench with an invocation that ended so, after one send that may have taken place.
    func bench(_ ending: Ending) async throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        if ending == .caught {
            bench.handler.scripts["rule"] = { inputs in
                inputs.isEmpty
                    ? ProgramStep(next: .command(.once("send")))
                    : ProgramStep(next: .failed(ProgramFailure(code: "runtime", message: "a bug")))
            }
            bench.handler.performing = { _, _ in throw lost }
            try await bench.process(bench.event("a"))
        } else {
            try await killInSend(bench)
            if ending == .cancelled { try await bench.makeEngine().cancel(id) }
            if ending == .ruleGone { bench.handler.scripts["rule"] = nil }
            try await bench.run { engine in await engine.idle() }
        }
        bench.handler.scripts["rule"] = ScriptedProgram.making([.once("send")])
        bench.handler.performing = { _, _ in Data("1".utf8) }
        return bench
    }

    /// Runs until `send` is in the air, and ends the process there.
    func killInSend(_ bench: EngineBench) async throws {
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
    }

    @Test(arguments: Ending.allCases)
    func `starting anew asks about what may have been sent, however the run ended`(_ ending: Ending) async throws {
        let bench = try await bench(ending)
        let before = bench.handler.performed.count
        try await expectSame(bench.invocation()?.state, ending == .cancelled ? .cancelled : .failed)
        try await bench.run { engine in
            let error = await #expect(throws: EngineError.self) { try await engine.restart(id) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("would repeat what it did: send") == true, "\(String(describing: error))")
            #expect(error?.message.contains("(nobody knows whether it took place)") == true)
            try await engine.restart(id, repeating: true)
            await engine.idle()
        }
        #expect(bench.handler.performed.count == before + 1)
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test(arguments: Ending.allCases)
    func `a retry repeats nothing that may have been sent, however the run ended`(_ ending: Ending) async throws {
        let bench = try await bench(ending)
        let before = bench.handler.performed.count
        try await bench.run { engine in
            try await engine.retry(id)
            await engine.idle()
        }
        #expect(bench.handler.performed.count == before)
        // A person decides; where the rule was told, it goes on with that.
        try await expectSame(bench.invocation()?.state, ending == .caught ? .failed : .parked)
    }

    @Test func `what a person said was not sent may be sent by a retry`() async throws {
        let bench = try benchWithUnknownOutcome()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await engine.resolve(id, .notSent)
            await engine.idle()
            try await engine.retry(id)
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["send", "send", "react"])
    }
}
