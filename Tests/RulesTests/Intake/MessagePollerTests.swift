import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

@Suite struct MessagePollerTests {
    /// The engine's store as the poller sees it.
    private struct Store: PollStore {
        let store: SQLiteStore
        let epoch: Epoch
        let clock: ManualClock

        init(_ clock: ManualClock) async throws {
            self.clock = clock
            store = try SQLiteStore.inMemory()
            epoch = try await store.takeOver()
        }

        func accept(_ events: [NewEvent]) async throws(EngineError) -> [Acceptance] {
            try await store.accept(events, at: noon.date, epoch: epoch)
        }
        func cursor(_ name: String) async throws(EngineError) -> String? { try await store.cursor(name) }
        func setCursor(_ name: String, to value: String?) async throws(EngineError) {
            try await store.setCursor(name, to: value, epoch: epoch)
        }

        func storedValue(scope: String, key: String) async throws(EngineError) -> Data? {
            try await store.value(scope: scope, key: key, at: clock.date)
        }
        func setStoredValue(
            scope: String, key: String, to value: Data?, ttl: Duration?
        ) async throws(EngineError) {
            try await store.write(
                [.store(.set(scope: scope, key: key, value: value, ttl: ttl), at: clock.date)], epoch: epoch)
        }

        /// Identities of all events, in the order of their acceptance.
        func identities() async throws -> [String] {
            var filter = EventFilter()
            filter.limit = 100_000
            return try await store.events(filter).reversed().map(\.identity)
        }
    }

    private let api = FakeAPI()
    private let clock = ManualClock()
    private let store: Store

    init() async throws {
        store = try await Store(clock)
    }

    private func poller(interval: Duration = .seconds(5)) -> MessagePoller {
        MessagePoller(
            api: api, store: store, interval: interval, lookback: .seconds(60), clock: clock,
            now: { [clock] in clock.date }, logger: .silent)
    }

    /// Puts a message into a conversation, which is made where there is none.
    private func arrive(
        _ id: Message.ID, in conversation: Conversation.ID = "conv_1", at seconds: Double = 0, body: String = "Hello",
        direction: Direction = .inbound, reactions: [MessageReaction] = []
    ) {
        let time = noon.advanced(by: .seconds(seconds))
        api.change { state in
            state.messages[conversation, default: []].append(
                .sample(id, body, at: time, direction: direction, reactions: reactions))
            let count = state.messages[conversation]?.count ?? 0
            let last = max(state.conversations[conversation]?.lastMessageAt ?? time, time)
            state.conversations[conversation] = .sample(conversation, lastMessageAt: last, count: count)
        }
    }

    @Test func `new messages become events, oldest first, in both directions`() async throws {
        arrive("msg_2", at: 2, direction: .outbound)
        arrive("msg_1", at: 1)
        #expect(try await poller().look() == 2)
        expectSame(try await store.identities(), ["message:msg_1", "message:msg_2"])
    }

    @Test func `a look finds only what is new`() async throws {
        arrive("msg_1")
        #expect(try await poller().look() == 1)
        #expect(try await poller().look() == 0)
        arrive("msg_2", at: 10)
        #expect(try await poller().look() == 1)
        expectSame(try await store.identities(), ["message:msg_1", "message:msg_2"])
    }

    @Test func `a look where nothing happened reads no conversation`() async throws {
        arrive("msg_1")
        _ = try await poller().look()
        api.forgetCalls()
        _ = try await poller().look()
        #expect(api.calls == ["list 100 0"])
    }

    @Test func `a message in the second of the last one is found`() async throws {
        arrive("msg_1")
        _ = try await poller().look()
        arrive("msg_2")
        #expect(try await poller().look() == 1)
        expectSame(try await store.identities(), ["message:msg_1", "message:msg_2"])
    }

    @Test func `a message that turns up minutes late is found`() async throws {
        _ = try await poller().look()
        clock.advance(by: .seconds(3600))
        arrive("msg_1", at: 3600)
        let poller = poller()
        #expect(try await poller.look() == 1)
        arrive("late", at: 3600 - 540)
        #expect(try await poller.look() == 1)
        #expect(try await poller.look() == 0)
        expectSame(try await store.identities(), ["message:msg_1", "message:late"])
    }

    @Test func `positions of conversations that fell silent are given up, and nothing is lost or read again`()
        async throws
    {
        arrive("msg_1", in: "conv_1", at: 0)
        arrive("msg_2", in: "conv_2", at: 1)
        #expect(try await poller().look() == 2)
        clock.advance(by: .seconds(3 * 86_400))
        let pruning = Pruning(events: .distantPast, identities: .distantPast, values: clock.date, limit: 100)
        #expect(try await store.store.prune(pruning, epoch: store.epoch) == 2)
        arrive("msg_3", in: "conv_1", at: 3 * 86_400)
        #expect(try await poller().look() == 1)
        expectSame(
            try await store.identities().sorted(), ["message:msg_1", "message:msg_2", "message:msg_3"])
        #expect(try await poller().look() == 0)
    }

    @Test func `a cursor of an earlier version counts, and is given up`() async throws {
        try await store.setCursor("poll:start", to: noon.description)
        try await store.setCursor("poll:conv_1", to: "\(noon.advanced(by: .seconds(3600))) 1")
        arrive("known", at: 1000)
        arrive("new", at: 3601)
        clock.advance(by: .seconds(3700))
        #expect(try await poller().look() == 1)
        expectSame(try await store.identities(), ["message:new"])
        #expect(try await store.cursor("poll:conv_1") == nil)
        #expect(try await poller().look() == 0)
    }

    @Test func `what came before polling began is left`() async throws {
        arrive("old", at: -61)
        arrive("older", in: "conv_2", at: -3600)
        arrive("recent", at: -59)
        #expect(try await poller().look() == 1)
        expectSame(try await store.identities(), ["message:recent"])
    }

    @Test func `another process goes on where this one stopped`() async throws {
        _ = try await poller().look()
        clock.advance(by: .seconds(7200))
        arrive("while_down", at: 3600)
        #expect(try await poller().look() == 1)
        #expect(try await poller().look() == 0)
    }

    @Test func `the same message by webhook and by poll is one event`() async throws {
        arrive("msg_1")
        _ = try await store.accept([try ConversationEvent.message(id: "msg_1").new(delivery: "del_1")])
        #expect(try await poller().look() == 0)
        let late = try await store.accept([try ConversationEvent.message(id: "msg_1").new(delivery: "del_2")])
        #expect(late == [.duplicate(of: 1)])
    }

    @Test func `reactions of participants on what is read are found`() async throws {
        func reaction(_ id: MessageReaction.ID, _ direction: Direction, at seconds: Double) -> MessageReaction {
            MessageReaction(
                id: id, reactionType: .love, fromNumber: "+15559876543", direction: direction,
                createdAt: noon.advanced(by: .seconds(seconds)))
        }
        arrive(
            "msg_1", direction: .outbound,
            reactions: [reaction("r1", .inbound, at: 1), reaction("r2", .outbound, at: 2)])
        #expect(try await poller().look() == 2)
        #expect(try await store.identities().last?.hasPrefix("reaction:msg_1:+15559876543:love:") == true)
    }

    @Test func `thousands of messages are read page by page`() async throws {
        for index in 0..<2500 { arrive(Message.ID("msg_\(index)"), at: Double(index / 3) / 100) }
        #expect(try await poller().look() == 2500)
        #expect(api.calls.count { $0 == "messages conv_1" } >= 13)
        #expect(Set(try await store.identities()).count == 2500)
    }

    @Test func `hundreds of conversations are listed page by page`() async throws {
        for index in 0..<250 {
            arrive(Message.ID("msg_\(index)"), in: Conversation.ID("conv_\(index)"), at: Double(index % 7))
        }
        #expect(try await poller().look() == 250)
        #expect(try await poller().look() == 0)
    }

    @Test func `an error of the server keeps the cursor`() async throws {
        arrive("msg_1")
        for call in [FakeAPI.Call.list, .messages] {
            api.fail(call, APIError(.unavailable, "down"))
            await #expect(throws: APIError(.unavailable, "down")) { try await poller().look() }
        }
        #expect(try await poller().look() == 1)
    }

    @Test func `a conversation that can't be read keeps no other from being read`() async throws {
        arrive("msg_1", in: "conv_1", at: 9)
        arrive("msg_2", in: "conv_2", at: 5)
        let error = APIError(.badResponse, "message 3 has no time")
        api.change { $0.broken["conv_1"] = error }
        for _ in 0..<2 { await #expect(throws: error) { try await poller().look() } }
        expectSame(try await store.identities(), ["message:msg_2"])
        api.change { $0.broken = [:] }
        #expect(try await poller().look() == 1)
    }

    @Test func `a conversation that can never be read doesn't have the others read again and again`() async throws {
        arrive("msg_1", in: "conv_1", at: 0)
        arrive("msg_2", in: "conv_2", at: 5)
        arrive("msg_3", in: "conv_3", at: 7200)
        let error = APIError(.badResponse, "message 3 has no time")
        api.change { $0.broken["conv_1"] = error }
        await #expect(throws: error) { try await poller().look() }
        api.forgetCalls()
        await #expect(throws: error) { try await poller().look() }
        expectNoDifference(api.calls, ["list 100 0", "conversation conv_1"])
        api.change { $0.broken = [:] }
        #expect(try await poller().look() == 1)
        api.forgetCalls()
        #expect(try await poller().look() == 0)
        expectNoDifference(api.calls, ["list 100 0"])
    }

    @Test func `if hardly a conversation can be read, the next look starts where this one did`() async throws {
        let error = APIError(.badResponse, "no time")
        for index in 0..<1001 {
            arrive(Message.ID("msg_\(index)"), in: Conversation.ID("conv_\(index)"), at: 7200)
            api.change { $0.broken[Conversation.ID("conv_\(index)")] = error }
        }
        arrive("old", in: "old", at: 0)
        await #expect(throws: error) { try await poller().look() }
        api.change { $0.broken = [:] }
        #expect(try await poller().look() == 1001)
    }

    @Test(.timeLimit(.minutes(1))) func `a key that is refused is tried less and less often`() async throws {
        api.change { $0.failures[.list] = Array(repeating: APIError(.forbidden, "no such key"), count: 3) }
        let run = Task { try await poller(interval: .seconds(5)).run() }
        var waits: [Duration?] = []
        for _ in 1...4 {
            await clock.sleepers(atLeast: 1)
            waits.append(clock.timeToNextDeadline)
            clock.advance(by: waits.last.flatMap(\.self) ?? .zero)
        }
        expectNoDifference(waits, [.seconds(5), .seconds(10), .seconds(20), .seconds(5)])
        run.cancel()
        _ = await run.result
    }

    @Test func `a conversation that is gone is not asked for again`() async throws {
        arrive("msg_1", in: "conv_1", at: 0)
        arrive("msg_3", in: "conv_3", at: 7200)
        api.change { $0.broken["conv_1"] = APIError(.badResponse, "message 3 has no time") }
        await #expect(throws: APIError.self) { try await poller().look() }
        api.change { state in
            state.broken = [:]
            state.conversations["conv_1"] = nil
        }
        for _ in 0..<2 { #expect(try await poller().look() == 0) }
        expectNoDifference(api.calls.filter { $0 == "conversation conv_1" }.count, 1)
    }

    @Test(.timeLimit(.minutes(1))) func `looks come at their interval, later where the server asks for it`()
        async throws
    {
        arrive("msg_1")
        api.fail(.list, nil, APIError(.rateLimited, "slowly", retryAfter: .seconds(60)))
        let run = Task { try await poller(interval: .seconds(5)).run() }
        await clock.sleepers(atLeast: 1)
        #expect(clock.timeToNextDeadline == .seconds(5))
        clock.advance(by: .seconds(5))
        await clock.sleepers(atLeast: 1)
        #expect(clock.timeToNextDeadline == .seconds(60))
        run.cancel()
        _ = await run.result
    }
}
