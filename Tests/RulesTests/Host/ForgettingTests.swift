import Conversations
import CustomDump
import Foundation
import GRDB
import Testing

@testable import DurableExecution
@testable import Rules

@Suite(.timeLimit(.minutes(1))) struct ForgettingTests {
    private static let rule = """
        return { on = "message", run = function(message)
          store.of(message.conversation).set("name", message.body)
          store.set("last", "kept")
          message.conversation:wait_reply { body = "never" }
        end }
        """
    private let other = ConversationEvent.message("I stay", id: "msg_9", in: "conv_2")

    private func bench() async throws -> RuleBench {
        let bench = try await RuleBench(rules: ["a": Self.rule])
        var second = Conversation.sample("conv_2", metadata: ["topic": "mine"])
        second.participant = "+15550009999"
        bench.api.change { [second] state in
            state.conversations["conv_1"]?.metadata = ["topic": "secret"]
            state.conversations["conv_2"] = second
        }
        return bench
    }

    private var otherEvent: ConversationEvent {
        var event = other
        event.conversation.participant = "+15550009999"
        event.message?.fromNumber = "+15550009999"
        return event
    }

    @Test func `a person's events, runs, values and metadata are erased, and others' stay`() async throws {
        let bench = try await bench()
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("Jane").new(), try otherEvent.new()])
            await engine.idle()
            let report = try await bench.host.forget("(555) 987-6543")
            expectNoDifference(
                report,
                ForgetReport(
                    participant: "+15559876543", conversations: ["conv_1"], events: 1, invocations: 1, values: 1,
                    clearedMetadata: ["conv_1"],
                    left: [
                        "their messages at the API, which has no call to delete them",
                        "what rules kept about them in their packs' own stores, which only the rules know",
                        "what rules of other conversations read of them or wrote to them, until retention.events "
                            + "deletes it",
                    ]))
            let (erased, kept) = (try await engine.trace(ofEvent: 1), try await engine.trace(ofEvent: 2))
            expectNoDifference([erased.event.state, kept.event.state], [.forgotten, .done])
            expectNoDifference(erased.event.payload, Data())
            expectNoDifference(erased.invocations.map(\.entries.count), [0])
            expectNoDifference(kept.invocations.map(\.invocation.state), [.waiting])
            let values = [
                try await engine.storedValue(scope: "acme/photos/conversation/conv_1", key: "name"),
                try await engine.storedValue(scope: "acme/photos/conversation/conv_2", key: "name"),
            ]
            expectNoDifference(values, [nil, Data("\"I stay\"".utf8)])
        }
        expectNoDifference(bench.api.metadata(of: "conv_1"), nil)
        expectNoDifference(bench.api.metadata(of: "conv_2"), ["topic": "mine"])
    }

    @Test func `that they opted out stays, and holds`() async throws {
        let bench = try await bench()
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("STOP").new()])
            await engine.idle()
            let report = try await bench.host.forget("+15559876543")
            expectNoDifference(
                report.left.last,
                "that they opted out, so that they are not written to again; it is kept under a hash of their address")
            let optOuts = try await bench.host.optOuts(of: "+15559876543")
            expectNoDifference(optOuts.map(\.isOut), [true])
        }
        let kept = try await keptValues(bench)
        expectNoDifference(kept.filter { $0.contains("5559876543") }, [])
    }

    @Test func `an opt-out that an earlier version kept under the number holds, without it`() async throws {
        let bench = try await bench()
        let record = #"{"+15551234567":{"meaning":"stop","at":"2025-01-15T11:00:00Z","word":"Stop."}}"#
        try await bench.run { engine in
            try await engine.setStoredValue(scope: "#opt_out", key: "+15559876543", to: Data(record.utf8))
            _ = try await bench.host.forget("+15559876543")
        }
        let kept = try await keptValues(bench)
        expectNoDifference(kept.filter { $0.contains("5559876543") }, [])
        let next = try await RuleBench(api: bench.api, sharing: bench)
        try await next.run { _ in
            let optOuts = try await next.host.optOuts(of: "+15559876543")
            expectNoDifference(optOuts.map(\.word), ["Stop."])
            expectNoDifference(optOuts.map(\.isOut), [true])
        }
    }

    /// All that the rules' store holds, as text.
    private func keptValues(_ bench: RuleBench) async throws -> [String] {
        try await bench.store.database.read { database in
            try String.fetchAll(database, sql: "SELECT scope || ' ' || key || ' ' || CAST(value AS TEXT) FROM store")
        }
    }

    @Test func `the same message does not come again as new`() async throws {
        let bench = try await bench()
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("Jane").new()])
            await engine.idle()
            _ = try await bench.host.forget("+15559876543")
            let again = try await engine.accept([try ConversationEvent.message("Jane").new()])
            expectNoDifference(again, [.duplicate(of: 1)])
        }
    }

    @Test func `what the API does not do is told`() async throws {
        let bench = try await bench()
        bench.api.fail(.update, APIError(.unavailable, "down"))
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("Jane").new()])
            await engine.idle()
            let report = try await bench.host.forget("+15559876543")
            expectNoDifference(report.clearedMetadata, [])
            expectNoDifference(report.left.first, "the metadata of conv_1 at the API: down")
            bench.api.fail(.list, APIError(.unavailable, "down"))
            let blind = try await bench.host.forget("+15559876543")
            expectNoDifference(
                blind.left.first,
                "the conversations at the API, which could not be listed (down): their metadata stay until this is run "
                    + "again")
        }
    }

    @Test func `in groups their words stay, and the report says where`() async throws {
        let bench = try await bench()
        var event = ConversationEvent.message("Jane here", in: "conv_7")
        event.conversation.participant = "grp_1"
        event.message?.senderIdentifier = "+15559876543"
        try await bench.run { [event] engine in
            _ = try await engine.accept([try event.new()])
            await engine.idle()
            let report = try await bench.host.forget("+15559876543")
            expectNoDifference(report.events, 0)
            expectNoDifference(
                report.left.first, "what they wrote in groups, since it is the others' too: conv_7")
        }
    }
}
