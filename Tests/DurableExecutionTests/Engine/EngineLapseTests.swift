import CustomDump
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DurableExecution

/// Commands that an answer overtakes.
@Suite(.timeLimit(.minutes(1))) struct EngineLapseTests {
    private static let remind: Command = {
        var command = Command.ask("remind")
        command.lapsesIn = "q"
        return command
    }()

    /// Asks, sleeps a minute, reminds, and waits for a reply. Every `reply` makes the reminder lapse.
    private func bench(_ commands: [Command]? = nil) throws -> (bench: EngineBench, isHeld: Switch) {
        let script = commands ?? [.ask("ask"), .wait(.seconds(60), queue: nil), Self.remind, .wait(.seconds(60))]
        let bench = try EngineBench(ScriptedHandler(script))
        bench.handler.matching = { event in
            event.kind == "reply" ? Matching() : Matching(starts: [Start(rule: "rule", version: "1")])
        }
        bench.handler.offering = { event, waiting in
            guard event.kind == "reply", waiting.queue == "q" else { return nil }
            return waiting.name == "wait" ? Data("\(event.sequence)".utf8) : Data("null".utf8)
        }
        let isHeld = Switch(false)
        bench.handler.permitting = { [clock = bench.clock] command, _ in
            guard isHeld.isOn, command.name == "remind" else { return }
            throw CommandFailure.held(
                Hold(key: "night", reason: "night", until: clock.date.addingTimeInterval(3600)))
        }
        return (bench, isHeld)
    }

    private func outcomes(_ bench: EngineBench) async throws -> [String] {
        try await bench.journal().map { entry in
            "\(entry.name) " + (entry.outcome.map { String(decoding: $0, as: UTF8.self) } ?? "\(entry.state)")
        }
    }

    @Test func `what was answered in the meantime is not performed, and the next wait finds the answer`() async throws {
        let (bench, _) = try bench()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["ask"])
        try await expectSame(outcomes(bench), ["ask \"ok\"", "wait null", "remind null", "wait 2"])
    }

    @Test func `what was not answered is performed, and what came before it is no answer to what follows`() async throws
    {
        let (bench, _) = try bench([.ask("ask"), .wait(.seconds(60)), Self.remind, .wait(.seconds(60))])
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("other")])
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            expectNoDifference(bench.handler.performed.filter { $0.event == 1 }.map(\.command), ["ask", "remind"])
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
        }
        try await expectSame(outcomes(bench).last, "wait 3")
    }

    @Test func `an answer ends the hold of what it overtakes`() async throws {
        let (bench, isHeld) = try bench()
        isHeld.isOn = true
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            #expect(try await bench.invocation()?.state == .held)
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            #expect(try await bench.invocation()?.state == .finished)
        }
        expectNoDifference(bench.handler.performedNames, ["ask"])
        try await expectSame(outcomes(bench), ["ask \"ok\"", "wait null", "remind null", "wait 2"])
    }

    @Test func `without an answer it is performed once the hold ends`() async throws {
        let (bench, isHeld) = try bench()
        isHeld.isOn = true
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            isHeld.isOn = false
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["ask", "remind"])
        #expect(try await bench.invocation()?.state == .waiting)
    }

    @Test func `an answer whose turn has not come counts`() async throws {
        let (bench, isHeld) = try bench()
        isHeld.isOn = true
        bench.handler.preparing = { event, _ in
            guard event.kind == "message" else { throw EngineFailure("not yet", retryable: true) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            isHeld.isOn = false
            try await engine.release("night")
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["ask"])
    }

    @Test func `a command that may have taken place does not lapse, but is looked for`() async throws {
        let (bench, _) = try bench()
        let engine = bench.makeEngine()
        let looks = Mutex(0)
        bench.handler.performing = { [event = bench.event("r", kind: "reply")] command, _ in
            guard command.name == "remind" else { return Data("\"ok\"".utf8) }
            _ = try await engine.accept([event])
            throw CommandFailure(code: "timeout", message: "no answer", outcomeUnknown: true)
        }
        bench.handler.looking = { _, _ in
            let count = looks.withLock {
                $0 += 1
                return $0
            }
            return count == 1 ? .notFound : .tookPlace(outcome: Data("\"found\"".utf8))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            for _ in 1...3 {
                bench.clock.advance(by: .seconds(60))
                await engine.idle()
            }
            engine.shutdown()
            try await group.waitForAll()
        }
        expectNoDifference(bench.handler.performedNames, ["ask", "remind"])
        try await expectSame(outcomes(bench)[2], "remind \"found\"")
    }

    @Test func `an old answer that a person replays lets nothing lapse`() async throws {
        let (bench, _) = try bench()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.replay(1, performing: true)
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["ask", "remind"])
    }

    @Test func `an answer that comes while the intent is about to be written is not overtaken by it`() async throws {
        let (bench, _) = try bench()
        let engine = bench.makeEngine()
        let isFirst = Switch(true)
        bench.handler.permitting = { [event = bench.event("r", kind: "reply")] command, _ in
            guard command.name == "remind", isFirst.isOn else { return }
            isFirst.isOn = false
            _ = try await engine.accept([event])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            engine.shutdown()
            try await group.waitForAll()
        }
        expectNoDifference(bench.handler.performedNames, ["ask"])
        try await expectSame(outcomes(bench).last, "wait 2")
    }

    @Test func `an answer that comes while the hold is about to be written ends it`() async throws {
        let (bench, isHeld) = try bench()
        isHeld.isOn = true
        let engine = bench.makeEngine()
        let isFirst = Switch(true)
        let permit = bench.handler.permitting
        bench.handler.permitting = { [event = bench.event("r", kind: "reply")] command, context in
            if command.name == "remind", isFirst.isOn {
                isFirst.isOn = false
                _ = try await engine.accept([event])
            }
            try await permit(command, context)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            engine.shutdown()
            try await group.waitForAll()
        }
        expectNoDifference(bench.handler.performedNames, ["ask"])
        #expect(try await bench.invocation()?.state == .finished)
    }

    @Test func `after a restart the hold still ends with an answer`() async throws {
        let (bench, isHeld) = try bench()
        isHeld.isOn = true
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
        }
        try await bench.process(bench.event("r", kind: "reply"))
        #expect(try await bench.invocation()?.state == .finished)
        expectNoDifference(bench.handler.performedNames, ["ask"])
    }

    @Test func `what was tried in vain lapses if an answer comes before the next try`() async throws {
        let (bench, _) = try bench()
        bench.handler.performing = { command, _ in
            if command.name == "remind" { throw CommandFailure(code: "busy", message: "busy", retryable: true) }
            return Data("\"ok\"".utf8)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            bench.clock.advance(by: .seconds(10))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["ask", "remind"])
        try await expectSame(outcomes(bench).suffix(2), ["remind null", "wait 2"])
    }

    @Test func `a reply that comes while a plain send is held is found by the wait after it`() async throws {
        let (bench, isHeld) = try bench([.ask("remind"), .wait(.seconds(60))])
        isHeld.isOn = true
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            _ = try await engine.accept([bench.event("r", kind: "reply")])
            await engine.idle()
            isHeld.isOn = false
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
        }
        expectNoDifference(bench.handler.performedNames, ["remind"])
        try await expectSame(outcomes(bench), ["remind \"ok\"", "wait 2"])
    }
}
