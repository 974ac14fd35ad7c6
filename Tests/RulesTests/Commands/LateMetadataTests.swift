import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// Changes of metadata that failed, and were tried again after others had changed the same conversation.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct LateMetadataTests {
    /// What happened to the first try.
    enum Trouble: CaseIterable, Sendable {
        /// It got through, and its answer was lost.
        case answerLost
        case notApplied
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var trouble: Trouble
        var isOnlyWriter: Bool
        /// Whether the process ends before the second try.
        var restarts: Bool

        var testDescription: String {
            "\(trouble)\(isOnlyWriter ? ", exclusive" : "")\(restarts ? ", over a restart" : "")"
        }

        static let all = Trouble.allCases.flatMap { trouble in
            [false, true].flatMap { isOnlyWriter in
                [false, true].map { Case(trouble: trouble, isOnlyWriter: isOnlyWriter, restarts: $0) }
            }
        }
    }

    private static let busy = APIError(.unavailable, "busy", status: 409)

    /// Runs one message whose first change of metadata fails, then another, and then lets the first be tried again.
    private func metadata(
        after test: Case, rules: [String: String], bodies: (String, String) = ("first", "second"),
        before: Metadata? = nil, pause: Duration = .milliseconds(100), secondIn other: Conversation.ID = "conv_1"
    ) async throws -> Metadata? {
        var configuration = RuleHostConfiguration()
        configuration.isOnlyMetadataWriter = test.isOnlyWriter
        let texts = rules.mapValues { "return { on = 'message', run = function(message)\n\($0)\nend }" }
        let first = try await RuleBench(rules: texts, configuration: configuration)
        let api = first.api
        api.change { state in
            state.conversations["conv_2"] = .sample("conv_2")
            state.conversations["conv_1"]?.metadata = before
        }
        switch test.trouble {
        case .answerLost: api.loseAnswer(of: .update, Self.busy)
        case .notApplied: api.fail(.update, Self.busy)
        }
        try await first.process(.message(bodies.0, id: "msg_1"))
        first.clock.advance(by: pause)
        try await first.process(.message(bodies.1, id: "msg_2", in: other))
        let second =
            test.restarts
            ? try await RuleBench(api: api, configuration: configuration, sharing: first, clock: first.clock) : first
        try await second.load()
        try await second.run { engine in
            second.clock.advance(by: .seconds(10))
            await engine.idle()
            let states = try await engine.invocations().map(\.state)
            expectNoDifference(states, Array(repeating: .finished, count: 2 * rules.count))
        }
        return api.metadata(of: "conv_1")
    }

    @Test(arguments: Case.all)
    func `a count that another event's count overtook is counted once`(_ test: Case) async throws {
        let result = try await metadata(
            after: test, rules: ["a": "message.conversation:increment('photos')"], before: ["photos": 5])
        expectNoDifference(result, ["photos": 7])
    }

    @Test(arguments: Case.all)
    func `two rules that count one event count it twice`(_ test: Case) async throws {
        let count = "message.conversation:increment('photos')"
        let result = try await metadata(after: test, rules: ["a": count, "b": count])
        expectNoDifference(result, ["photos": 4])
    }

    @Test(arguments: Case.all)
    func `a count stays right where tags come between`(_ test: Case) async throws {
        let rule = """
            if message.body == "first" then message.conversation:increment("photos") return end
            message.conversation:tag { seen = true }
            message.conversation:increment("others")
            """
        let result = try await metadata(after: test, rules: ["a": rule])
        expectNoDifference(result, ["photos": 1, "seen": true, "others": 1])
    }

    @Test(arguments: Case.all)
    func `a count that was set to something else meanwhile is not taken for lost`(_ test: Case) async throws {
        let rule = """
            if message.body == "first" then message.conversation:increment("photos") return end
            message.conversation:tag { photos = 100 }
            """
        let result = try await metadata(after: test, rules: ["a": rule])
        // What was counted before was replaced; what was not is counted now.
        expectNoDifference(result, ["photos": test.trouble == .answerLost ? 100 : 101])
    }

    @Test(arguments: Case.all)
    func `a late tag doesn't undo what a later event tagged`(_ test: Case) async throws {
        let rule = """
            message.conversation:tag { topic = message.body, [message.body] = true }
            """
        let result = try await metadata(after: test, rules: ["a": rule], before: ["kept": 1])
        expectNoDifference(result, ["topic": "second", "first": true, "second": true, "kept": 1])
    }

    @Test(arguments: Case.all)
    func `a late tag doesn't undo what was tagged at the same time by the clock`(_ test: Case) async throws {
        let result = try await metadata(
            after: test, rules: ["a": "message.conversation:tag { topic = message.body }"], pause: .zero)
        expectNoDifference(result, ["topic": "second"])
    }

    @Test(arguments: Case.all)
    func `a late tag doesn't undo what a later event of another conversation tagged`(_ test: Case) async throws {
        let rule = """
            local conversation = conversations.get("conv_1")
            conversation:tag { topic = message.body, [message.body] = true }
            """
        let result = try await metadata(after: test, rules: ["a": rule], secondIn: "conv_2")
        expectNoDifference(result, ["topic": "second", "first": true, "second": true])
    }

    @Test(arguments: Case.all)
    func `a late tag leaves what a later event of another conversation replaced or counted`(
        _ test: Case
    ) async throws {
        let rule = """
            local conversation = conversations.get("conv_1")
            if message.body == "first" then conversation:tag { a = 1, b = 1 } return end
            conversation:set_metadata { b = 2 }
            conversation:increment("b")
            """
        let result = try await metadata(after: test, rules: ["a": rule], secondIn: "conv_2")
        expectNoDifference(result, ["b": 3])
    }

    @Test(arguments: Case.all)
    func `a late tag doesn't bring back what a later event took away`(_ test: Case) async throws {
        let rule = """
            if message.body == "first" then message.conversation:tag { a = 2, b = 2 } return end
            message.conversation:untag("a")
            """
        let result = try await metadata(after: test, rules: ["a": rule], before: ["a": 1])
        expectNoDifference(result, ["b": 2])
    }

    @Test(arguments: Case.all)
    func `a late untag leaves what a later event tagged`(_ test: Case) async throws {
        let rule = """
            if message.body == "first" then message.conversation:untag("a", "b") return end
            message.conversation:tag { a = "new" }
            """
        let result = try await metadata(after: test, rules: ["a": rule], before: ["a": 1, "b": 1])
        expectNoDifference(result, ["a": "new"])
    }

    @Test(arguments: Case.all, ["set_metadata { base = true }", "clear_metadata()"])
    func `a late replacement leaves what later events tagged`(_ test: Case, _ call: String) async throws {
        let rule = """
            if message.body == "first" then message.conversation:\(call) return end
            message.conversation:tag { a = "new" }
            """
        let result = try await metadata(after: test, rules: ["a": rule], before: ["a": 1, "b": 1])
        expectNoDifference(result, call.hasPrefix("set") ? ["a": "new", "base": true] : ["a": "new"])
    }

    @Test(arguments: Case.all)
    func `a late change leaves what a later event replaced whole`(_ test: Case) async throws {
        let rule = """
            if message.body == "first" then message.conversation:tag { a = 1 } return end
            message.conversation:set_metadata { only = true }
            """
        let result = try await metadata(after: test, rules: ["a": rule])
        expectNoDifference(result, ["only": true])
    }
}
