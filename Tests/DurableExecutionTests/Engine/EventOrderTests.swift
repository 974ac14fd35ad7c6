import CustomDump
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DurableExecution

@Suite(.timeLimit(.minutes(1))) struct EventOrderTests {
    private static let start = Date(timeIntervalSince1970: 1_736_942_400)

    /// Events that were accepted in the order of the times, which are seconds.
    private func events(_ times: [Double]) -> [Event] {
        times.enumerated().map { index, time in
            var event = Event.example(sequence: Int64(index + 1))
            event.occurredAt = Self.start.addingTimeInterval(time).storable
            return event
        }
    }

    @Test(arguments: [
        ([1.25, 1.5, 2.25], [1, 2, 3]), ([2.5, 1.5, 1.25], [3, 2, 1]), ([1.5, 1.5, 1.5], [1, 2, 3]),
        // Whole seconds say nothing about the order within them.
        ([1.9, 1, 1.2], [1, 2, 3]), ([1.9, 2, 0.5], [3, 1, 2]), ([5, 3, 4], [2, 3, 1]),
        ([1.5004, 1.501, 1.5001], [1, 3, 2]), ([], []),
    ])
    func `what happened earlier goes first, as far as that is known`(_ times: [Double], _ order: [Int64]) {
        let events = events(times)
        expectNoDifference(EventOrder.sorted(events).map(\.sequence), order)
        expectNoDifference(EventOrder.isKept(by: events), order == order.sorted())
    }

    @Test func `what has begun takes no part`() {
        var events = events([9, 2, 3])
        events[0].state = .running
        #expect(EventOrder.isKept(by: events))
    }

    // MARK: In an engine

    private func accept(_ times: [(String, Int)], into bench: EngineBench, _ engine: Engine) async throws {
        for (identity, age) in times {
            _ = try await engine.accept([bench.event(identity, kind: "reply", age: .seconds(age))])
        }
    }

    @Test func `events that wait for their turn have it in the order in which they happened`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("answer")]))
        let order = Mutex<[String]>([])
        bench.handler.matching = { event in
            order.withLock { $0.append(event.identity) }
            return Matching()
        }
        let engine = bench.makeEngine()
        // Found by different ways, some of them late, before the process got to run.
        try await accept([("third", 30), ("first", 50), ("fourth", 10), ("second", 40)], into: bench, engine)
        try await bench.run { engine in
            await engine.idle()
            try await accept([("sixth", 3)], into: bench, engine)
            await engine.idle()
            try await accept([("fifth", 5)], into: bench, engine)
            await engine.idle()
        }
        // What had its turn stays where it was.
        expectNoDifference(order.withLock { $0 }, ["first", "second", "third", "fourth", "sixth", "fifth"])
        for (identity, sequence) in [("first", 1), ("second", 2), ("third", 3), ("fourth", 4)] as [(String, Int64)] {
            try await expectSame(bench.store.event(identity: identity), sequence)
            try await expectSame(bench.store.event(sequence)?.identity, identity)
        }
    }

    @Test func `more than fit in memory are put in order as far as they do`() async throws {
        var bench = try EngineBench(ScriptedHandler())
        bench.configuration.queueLimit = 4
        let order = Mutex<[String]>([])
        bench.handler.matching = { event in
            order.withLock { $0.append(event.identity) }
            return Matching()
        }
        let engine = bench.makeEngine()
        for index in 0..<50 {
            let age = 1000 - 10 * (index % 2 == 0 ? index + 1 : index - 1)
            _ = try await engine.accept([bench.event("\(index)", age: .seconds(age))])
        }
        try await bench.run { await $0.idle() }
        let expected = (0..<25).flatMap { ["\(2 * $0 + 1)", "\(2 * $0)"] }
        expectNoDifference(order.withLock { $0 }, expected)
    }

    @Test func `a rule that waits again and again gets what changed places, each once`() async throws {
        let bench = try EngineBench(
            ScriptedHandler([.wait(queue: "q"), .wait(queue: "q"), .wait(queue: "q"), .once("thank")]))
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1")] : [])
        }
        bench.handler.offering = { event, _ in Data("\"\(event.identity)\"".utf8) }
        try await bench.process(bench.event("start", age: .seconds(100)))
        let engine = bench.makeEngine()
        try await accept([("b", 20), ("c", 10), ("a", 30)], into: bench, engine)
        try await bench.run { await $0.idle() }
        let outcomes = try await bench.journal().map { String(decoding: $0.outcome ?? Data(), as: UTF8.self) }
        expectNoDifference(outcomes.prefix(3), ["\"a\"", "\"b\"", "\"c\""])
    }
}
