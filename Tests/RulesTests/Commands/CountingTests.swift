import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// Counts under whatever an API and a machine can do to them: every one of them counts, and none counts twice.
@Suite(.timeLimit(.minutes(5)))
struct CountingTests {
    /// Decides what becomes of each write: it may fail, get lost with its answer, or be the last thing that the process does.
    private final class Chaos: Sendable {
        private struct State {
            var generator: SeededGenerator
            var store: SQLiteStore?
            var isOver = false
        }

        private let state: Mutex<State>

        init(seed: UInt64) { state = Mutex(State(generator: SeededGenerator(seed: seed))) }

        func use(_ store: SQLiteStore) { state.withLock { $0.store = store } }

        /// From now on everything succeeds.
        func end() { state.withLock { $0.isOver = true } }

        func number(below limit: Int) -> Int { state.withLock { Int.random(in: 0..<limit, using: &$0.generator) } }

        func beforeUpdate() async throws(APIError) {
            await Task.yield()
            let (roll, store) = state.withLock { state in
                (state.isOver ? 99 : Int.random(in: 0..<100, using: &state.generator), state.store)
            }
            switch roll {
            case 0..<20: throw APIError(.unavailable, "not applied", status: 409)
            case 20..<28:
                // From here on nothing that the process writes is kept: it is dead, before or after its request got through.
                _ = try? await store?.takeOver()
                if roll < 24 { throw APIError(.unavailable, "the process is dead", status: 409) }
            default: break
            }
        }

        /// Whether the answer to the write just made gets lost.
        func losesAnswer() -> Bool { number(below: 100) < 20 }
    }

    private static let rules = [
        "a": "return { on = 'message', run = function(message) message.conversation:increment('photos') end }",
        "b": """
        return { on = 'message', run = function(message)
          local conversation = conversations.get("conv_1")
          conversation:tag { last = message.body }
          conversation:increment("photos")
          conversation:increment("photos", 2)
        end }
        """,
    ]

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `counts always add up`(_ seed: UInt64) async throws {
        let chaos = Chaos(seed: seed)
        let lost = (0..<400).map { _ in chaos.losesAnswer() ? APIError(.unavailable, "lost", status: 409) : nil }
        let api = FakeAPI(beforeUpdate: { () async throws(APIError) in try await chaos.beforeUpdate() })
        api.change { $0.lostAnswers[.update] = lost }
        var configuration = RuleHostConfiguration()
        configuration.isOnlyMetadataWriter = seed.isMultiple(of: 2)
        let clock = ManualClock()
        var bench = try await RuleBench(rules: Self.rules, api: api, configuration: configuration, clock: clock)
        api.change { $0.conversations["conv_2"] = .sample("conv_2") }
        chaos.use(bench.store)
        var waiting = (1...8).map { index in
            ConversationEvent.message(
                "\(index)", id: Message.ID("msg_\(index)"), in: Conversation.ID("conv_\(index % 2 + 1)"))
        }
        for life in 0..<100 {
            if life == 20 { chaos.end() }
            if try await live(bench, &waiting, chaos) { break }
            bench = try await RuleBench(api: api, configuration: configuration, sharing: bench, clock: clock)
            try await bench.load()
        }
        expectNoDifference(waiting.count, 0)
        // Each event runs both rules: 1 in its own conversation, and 3 in conv_1.
        expectNoDifference(api.metadata(of: "conv_1")?["photos"], .integer(8 * 3 + 4), "seed \(seed)")
        expectNoDifference(api.metadata(of: "conv_2")?["photos"], .integer(4), "seed \(seed)")
    }

    /// One life of a process.
    ///
    /// - Returns: Whether it lived until everything was done.
    private func live(
        _ bench: RuleBench, _ waiting: inout [ConversationEvent], _ chaos: Chaos
    ) async throws -> Bool {
        let engine = bench.makeEngine()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await engine.run() }
            for _ in 0..<40 {
                let next = Array(waiting.prefix(chaos.number(below: 4)))
                do {
                    if !next.isEmpty { _ = try await engine.accept(next.map { try $0.new() }) }
                } catch {
                    break
                }
                waiting.removeFirst(next.count)
                await engine.idle()
                bench.clock.advance(by: .milliseconds(500 + chaos.number(below: 4000)))
                await engine.idle()
                let runs = try await engine.invocations()
                for dead in runs where dead.state == .failed { _ = try? await engine.retry(dead.id) }
                if waiting.isEmpty, runs.allSatisfy({ $0.state == .finished }) {
                    engine.shutdown()
                    try await group.waitForAll()
                    return try await engine.invocations().allSatisfy { $0.state == .finished }
                }
            }
            engine.shutdown()
            group.cancelAll()
            try await group.waitForAll()
            return false
        }
    }
}
