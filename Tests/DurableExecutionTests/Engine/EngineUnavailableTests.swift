import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// A database that can't be read for a moment, and hands that are all in use.
@Suite(.timeLimit(.minutes(1))) struct EngineUnavailableTests {
    func messagesOnly(_ mode: StartMode = .parallel) -> @Sendable (Event) async throws -> Matching {
        { event in Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1", mode: mode)] : []) }
    }

    /// Lets time pass until `isDone`.
    func letTimePass(_ bench: EngineBench, until isDone: () async throws -> Bool) async throws {
        while try await !isDone() {
            try Task.checkCancellation()
            bench.clock.advance(by: .milliseconds(100))
            for _ in 0..<20 { await Task.yield() }
        }
    }

    func until(_ isTrue: () async throws -> Bool) async throws {
        while try await !isTrue() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    func state(_ store: MemoryStore, _ event: Int64) throws -> InvocationState? {
        try store.read("test") { $0.invocations[InvocationID(event: event, place: 0).text]?.state }
    }

    @Test(arguments: [
        "event(_:)", "journal(of:from:)", "inboxPlace(of:in:)", "passedEvents(after:queue:limit:)", "starts(of:)",
    ])
    func `a read that fails once while a wait looks at what came leaves no run behind`(_ read: String) async throws {
        let store = MemoryStore()
        let commands: [Command] = [.ask("ask"), .repeatable("tag"), .wait(nil), .once("thank")]
        let bench = try EngineBench(ScriptedHandler(commands), store: store)
        bench.handler.matching = messagesOnly()
        bench.handler.performing = { command, context in
            if command.name == "tag", context.attempt == 1 {
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        try await bench.run { engine in
            for event in [bench.event("a"), bench.event("r", kind: "reply")] {
                _ = try await engine.accept([event])
                await engine.idle()
            }
            store.fail(read)
            try await letTimePass(bench) { store.hasFailed }
            try await letTimePass(bench) { try state(store, 1) == .finished }
        }
        expectNoDifference(bench.handler.performedNames, ["ask", "tag", "tag", "thank"])
    }

    /// A bench with a run that retries a command in a second, and an event that is to restart the rule.
    func restartBench(_ store: MemoryStore) throws -> EngineBench {
        let bench = try EngineBench(ScriptedHandler([.repeatable("tag"), .once("send")]), store: store)
        bench.handler.matching = messagesOnly(.restart)
        bench.handler.performing = { command, context in
            if command.name == "tag", context.event.sequence == 1, context.attempt == 1 {
                throw CommandFailure(code: "down", message: "down", retryable: true)
            }
            return Data("1".utf8)
        }
        return bench
    }

    @Test func `a read that fails once while a rule is restarted loses no event`() async throws {
        let store = MemoryStore()
        let bench = try restartBench(store)
        let isRunning = Switch()
        let mayEnd = Switch()
        bench.handler.hook = { [handler = bench.handler] point in
            guard point == "perform tag", handler.matched == [1], handler.performed.count == 1 else { return }
            isRunning.isOn = true
            while !mayEnd.isOn, !Task.isCancelled { await Task.yield() }
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            try await letTimePass(bench) { isRunning.isOn }
            store.fail("invocation(_:)")
            _ = try await engine.accept([bench.event("b")])
            try await until { store.hasFailed }
            mayEnd.isOn = true
            try await letTimePass(bench) { try state(store, 2) == .finished }
        }
        try await expectSame(bench.store.events(EventFilter()).map(\.state), [.done, .done])
        try await expectSame(bench.invocation(1)?.state, .cancelled)
        try await expectSame(bench.invocation(2)?.state, .finished)
    }

    @Test func `a rule is restarted though its event has the only hand`() async throws {
        let store = MemoryStore()
        var bench = try restartBench(store)
        bench.configuration.parallelism = 1
        let id = InvocationID(event: 1, place: 0).text
        try await bench.process(bench.event("a"))
        bench.clock.advance(by: .seconds(1))
        _ = try await bench.makeEngine().accept([bench.event("b")])
        // What is due is taken up only after the event has got the hand, and before it looks for other runs.
        store.fail("takeDue(at:limit:epoch:)")
        bench.handler.hook = { [clock = bench.clock, handler = bench.handler] point in
            // The run goes on when the event is about to have it end, and not before.
            while point == "perform tag", handler.matched.count < 2 {
                try Task.checkCancellation()
                await Task.yield()
            }
            guard point == "prepare" else { return }
            await clock.sleepers(atLeast: 1)
            clock.advance(by: .milliseconds(100))
            while try await store.invocation(id)?.state != .running, !Task.isCancelled { await Task.yield() }
        }
        try await bench.run { engine in await engine.idle() }
        try await expectSame(bench.invocation(1)?.state, .cancelled)
        try await expectSame(bench.invocation(2)?.state, .finished)
    }
}
