import CustomDump
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DurableExecution

/// Events that come while some of the rules that they may be for are not there.
@Suite(.timeLimit(.minutes(1))) struct EngineHeldEventTests {
    /// Two groups of one rule each, of which `late` is not there until it is switched on.
    final class Groups: Sendable {
        let isThere = Mutex(false)

        func match(_ event: Event) -> Matching {
            guard event.kind == "message" else { return Matching() }
            let isThere = isThere.withLock { $0 }
            var matching = Matching()
            if event.awaits == nil {
                matching.starts.append(Start(rule: "prompt", version: "1", group: "prompt"))
                matching.refusals.append(Refusal(rule: "other", reason: "not for this"))
            }
            if isThere {
                matching.starts.append(Start(rule: "late", version: "1", group: "late"))
            } else {
                matching.awaits.append(Awaited(key: "late", reason: "late is not there"))
            }
            return matching
        }

        func come() { isThere.withLock { $0 = true } }
    }

    let groups = Groups()

    func bench() throws -> EngineBench {
        let bench = try EngineBench()
        bench.handler.scripts = [
            "prompt": ScriptedProgram.making([.once("prompt")]), "late": ScriptedProgram.making([.once("late")]),
        ]
        bench.handler.matching = { [groups] in groups.match($0) }
        return bench
    }

    func story(_ bench: EngineBench) -> [String] {
        bench.handler.performed.map { "\($0.event) \($0.command)" }
    }

    @Test func `the others have the event at once, and it is held for what is missing, with the reason`() async throws {
        let bench = try bench()
        try await bench.process(bench.event("a"), bench.event("b"))
        expectNoDifference(story(bench), ["1 prompt", "2 prompt"])
        let event = try #require(try await bench.store.event(1))
        expectNoDifference(event.state, .held)
        expectNoDifference(event.note, "late is not there")
        #expect(bench.observer.notices.contains("event 1 held"))
    }

    @Test func `once it is there, each has the event once and in order`() async throws {
        let bench = try bench()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b"), bench.event("c", queue: "r")])
            await engine.idle()
            groups.come()
            try await engine.release(eventsFor: "late")
            await engine.idle()
        }
        expectNoDifference(story(bench).filter { $0.hasSuffix("prompt") }.count, 3)
        expectNoDifference(story(bench).filter { $0.hasSuffix("late") }.sorted(), ["1 late", "2 late", "3 late"])
        let first = story(bench).firstIndex(of: "1 late") ?? .max
        #expect(first < story(bench).firstIndex(of: "2 late") ?? -1)
        try await expectSame(bench.store.event(1)?.state, .done)
        try await expectSame(bench.store.event(1)?.awaits, nil)
        try await expectSame(bench.store.refusals(of: 1), [Refusal(rule: "other", reason: "not for this")])
        try await expectSame(bench.store.starts(of: 1)?.map(\.rule), ["prompt", "late"])
    }

    @Test func `a later event waits behind those that are held, for what they are held for only`() async throws {
        let bench = try bench()
        try await bench.process(bench.event("a"))
        groups.come()
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("b"), bench.event("c", queue: "elsewhere")])
            await engine.idle()
            expectNoDifference(Set(story(bench)), ["1 prompt", "2 prompt", "3 prompt", "3 late"])
            try await expectSame(bench.store.event(2)?.state, .held)
            try await engine.release(eventsFor: "late")
            await engine.idle()
        }
        expectNoDifference(story(bench).filter { $0.hasSuffix("late") }, ["3 late", "1 late", "2 late"])
        try await expectSame(bench.store.events(EventFilter()).map(\.state), [.done, .done, .done])
    }

    @Test func `what comes between the question and the writing down is not missed`() async throws {
        let bench = try bench()
        let engine = bench.makeEngine()
        bench.handler.matching = { [groups] event in
            let matching = groups.match(event)
            if !matching.awaits.isEmpty {
                groups.come()
                try await engine.release(eventsFor: "late")
            }
            return matching
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            engine.shutdown()
            try await group.waitForAll()
        }
        expectNoDifference(story(bench), ["1 prompt", "1 late"])
        try await expectSame(bench.store.event(1)?.state, .done)
    }

    @Test func `a restart changes nothing of it, whenever it comes`() async throws {
        for step in 0..<40 {
            let bench = try bench()
            let killSwitch = KillSwitch(after: step)
            let groups = Groups()
            bench.handler.matching = { groups.match($0) }
            let engine = bench.makeEngine(on: StoppingStore(base: bench.store, killSwitch: killSwitch))
            let work = Task {
                async let run: Void = engine.run()
                _ = try? await engine.accept([bench.event("a")])
                await engine.idle()
                groups.come()
                try? await engine.release(eventsFor: "late")
                if !Task.isCancelled { await engine.idle() }
                engine.shutdown()
                try? await run
                killSwitch.bury()
            }
            await killSwitch.killed()
            let isOver = killSwitch.deadlyPoint == nil
            killSwitch.bury()
            work.cancel()
            await work.value
            groups.come()
            _ = try await bench.run { engine in
                _ = try await engine.accept([bench.event("a")])
                try await engine.release(eventsFor: "late")
                await engine.idle()
            }
            try await expectSame(bench.store.event(1)?.state, .done)
            let ended = try await bench.store.invocations(InvocationFilter())
            expectNoDifference(Set(ended.map(\.rule)), ["prompt", "late"], "killed at \(step)")
            expectNoDifference(ended.count, 2, "killed at \(step)")
            if isOver { return }
        }
        Issue.record("the work never came to its end")
    }

    @Test func `an event that has had its wait elsewhere does not start the rule that got it`() async throws {
        let bench = try bench()
        bench.handler.scripts["late"] = ScriptedProgram.making([.wait(kind: "message"), .once("late")])
        groups.come()
        try await bench.process(bench.event("a"))
        groups.isThere.withLock { $0 = false }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("b")])
            await engine.idle()
            groups.come()
            try await engine.release(eventsFor: "late")
            await engine.idle()
        }
        try await expectSame(bench.store.starts(of: 2)?.map(\.rule), ["prompt"])
        expectNoDifference(story(bench).filter { $0.hasSuffix("late") }, ["1 late"])
    }

    @Test func `what never comes lets the event expire, and a person can still retry it`() async throws {
        let bench = try bench()
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: bench.configuration.maxAge + .seconds(1))
        try await bench.run { engine in
            try await engine.expireHeld()
            try await expectSame(bench.store.event(1)?.state, .expired)
            try await engine.retry(event: 1)
            await engine.idle()
            try await expectSame(bench.store.event(1)?.state, .held)
            groups.come()
            try await engine.retry(event: 1)
            await engine.idle()
        }
        expectNoDifference(story(bench), ["1 prompt", "1 late"])
    }

    @Test func `an event that is too old when what it is held for comes is not run`() async throws {
        let bench = try bench()
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: bench.configuration.maxAge + .seconds(1))
        groups.come()
        try await bench.run { engine in
            try await engine.release(eventsFor: "late")
            await engine.idle()
        }
        expectNoDifference(story(bench), ["1 prompt"])
        try await expectSame(bench.store.event(1)?.state, .expired)
    }
}
