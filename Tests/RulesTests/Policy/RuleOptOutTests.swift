import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// Opting out, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct RuleOptOutTests {
    private static let answer = "return { on = 'message', run = function(message) message.conversation:send('Hi') end }"
    private static let later = noon.advanced(by: .seconds(1))

    private func bench(_ body: String? = nil) async throws -> RuleBench {
        let rule = body.map { "return { on = 'message', when = { body = 'go' }, run = function(message)\n\($0)\nend }" }
        return try await RuleBench(rules: ["a": rule ?? Self.answer])
    }

    /// What became of a rule's run after its participant wrote STOP.
    private func failure(_ body: String, _ change: (RuleBench) -> Void = { _ in }) async throws -> ProgramFailure? {
        let bench = try await bench(body)
        change(bench)
        try await bench.process(.message("STOP"))
        let trace = try await bench.process(.message("go", id: "msg_2", at: Self.later))
        #expect(bench.api.sent.isEmpty)
        #expect(!bench.api.calls.contains { $0.hasPrefix("react") || $0.hasPrefix("typing") })
        return trace.invocations.last?.invocation.failure
    }

    @Test func `after STOP nothing is sent, not even in answer to it, until START`() async throws {
        let bench = try await bench()
        let traces = [
            try await bench.process(.message("Stop.")), try await bench.process(.message("Hello?", id: "msg_2")),
        ]
        #expect(bench.api.sent.isEmpty)
        for trace in traces { expectNoDifference(trace.invocations.map(\.invocation.failure?.code), ["opted_out"]) }
        let message = try #require(traces[1].invocations[0].failureMessage)
        #expect(
            message.contains(
                "+15559876543 wrote \"Stop.\" to +15551234567 on 2025-01-15T12:00:00Z, so nothing is sent to them from "
                    + "there until they write \"start\""))
        try await bench.process(.message("START", id: "msg_3", at: Self.later))
        expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
    }

    @Test func `it is known after a restart`() async throws {
        let first = try await bench()
        try await first.process(.message("stop"))
        let second = try await RuleBench(api: first.api, sharing: first)
        try await second.load()
        let trace = try await second.process(.message("Hello?", id: "msg_2"))
        expectNoDifference(trace.invocations.last?.invocation.failure?.code, "opted_out")
    }

    @Test func `it holds for one number, and others may write`() async throws {
        let bench = try await bench("messages.send { to = '+15559876543', number = '+15550000002', body = 'Hi' }")
        try await bench.process(.message("STOP"))
        try await bench.process(.message("go", id: "msg_2"))
        expectNoDifference(bench.api.sent.map(\.fromNumber), ["+15550000002"])
    }

    @Test(arguments: [
        "message:reply('Hi')", "message.conversation:send('', { media = 'https://e.com/1.png' })",
        "messages.send { to = '(555) 987-6543', number = '+15551234567', body = 'Hi' }",
        "messages.send { to = '+15559876543', number = '1 555 123 4567', body = 'Hi' }",
        "messages.send { to = '+15559876543', agent = 'agt_1', body = 'Hi' }", "message:react('love')",
    ])
    func `no way of sending gets around it`(_ body: String) async throws {
        expectSame(try await failure(body)?.code, "opted_out")
    }

    @Test(arguments: [
        "message.conversation.number = '+15550000002'; message.conversation:send('Hi')",
        "message.conversation.number_id = 'num_9'; message.conversation:send('Hi')",
        "message.conversation.id = 'conv_2'; message.conversation:send('Hi')",
        "message.conversation = conversations.get('conv_2'); message:react('love')",
        "message.conversation = nil; message:react('love')",
        "message.id = 'msg_1'; message.conversation = conversations.get('conv_2'); message:react('love')",
    ])
    func `a rule that changes its objects does not get around it`(_ body: String) async throws {
        let failure = try await failure(body) { bench in
            var other = Conversation.sample("conv_2")
            other.participant = "+15550009999"
            bench.api.change { [other] in $0.conversations["conv_2"] = other }
        }
        expectNoDifference(failure?.code, "opted_out")
    }

    @Test func `no sign of typing is shown, and the rule goes on`() async throws {
        let failure = try await failure("log.info(tostring(message.conversation:typing()))")
        expectNoDifference(failure, nil)
    }

    @Test func `a rule may handle it`() async throws {
        let body = """
            local ok, problem = pcall(function() message:reply("Hi") end)
            message.conversation:tag { unreachable = problem.code, again = problem.retryable }
            """
        let bench = try await bench(body)
        try await bench.process(.message("STOP"))
        try await bench.process(.message("go", id: "msg_2"))
        expectNoDifference(bench.api.metadata(of: "conv_1"), ["unreachable": "opted_out", "again": false])
    }

    @Test func `the later word counts, whichever is told first`() async throws {
        let bench = try await bench()
        try await bench.process(.message("start", at: Self.later))
        try await bench.process(.message("stop", id: "msg_2"))
        expectNoDifference(bench.api.sent.map(\.body), ["Hi", "Hi"])
    }

    @Test func `in a group a member's word is for their own thread`() async throws {
        let bench = try await bench(
            "message:reply('Hi all')\nmessages.send { to = '+15550007777', number = '+15551234567', body = 'Hi' }")
        func said(_ text: String, _ id: Message.ID) -> ConversationEvent {
            var event = ConversationEvent.message(text, id: id)
            event.conversation.participant = "grp_1"
            event.message?.senderIdentifier = "+15550007777"
            return event
        }
        try await bench.process(said("STOP", "msg_1"))
        let trace = try await bench.process(said("go", "msg_2"))
        expectNoDifference(bench.api.sent.map(\.toNumber), ["grp_1"])
        expectNoDifference(trace.invocations.last?.invocation.failure?.code, "opted_out")
    }

    @Test func `words of ours mean nothing`() async throws {
        let bench = try await bench()
        try await bench.process(.message("stop", direction: .outbound))
        try await bench.process(.message("Hello", id: "msg_2"))
        expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
    }

    @Test func `an event that is too old for rules still opts out`() async throws {
        let bench = try await bench()
        let trace = try await bench.run { engine in
            let old = noon.advanced(by: .seconds(-30 * 3600))
            // As an earlier version kept it.
            var event = try ConversationEvent.message("STOP", at: old).new()
            event.facts = []
            _ = try await engine.accept([event])
            bench.clock.advance(by: .seconds(25 * 3600))
            await engine.idle()
            try await expectSame(engine.event(1)?.state, .expired)
            let new = Timestamp(bench.clock.date)
            _ = try await engine.accept([try ConversationEvent.message("Hello", id: "msg_2", at: new).new()])
            await engine.idle()
            return try await engine.trace(ofEvent: 2)
        }
        expectNoDifference(trace.invocations.map(\.invocation.failure?.code), ["opted_out"])
    }

    @Test func `where it can't be looked up, nothing is sent for now`() async throws {
        let bench = try await bench()
        let trace = try await bench.run { engine in
            try await engine.setStoredValue(scope: "#opt_out", key: "+15559876543", to: Data("{".utf8))
            _ = try await engine.accept([try ConversationEvent.message().new()])
            await engine.idle()
            return try await engine.trace(ofEvent: 1)
        }
        expectNoDifference(trace.invocations.map(\.invocation.state), [.retrying])
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `what is no address can't be opted out, rather than somebody else`() async throws {
        let bench = try await bench()
        let error = await #expect(throws: EngineError.self) {
            try await bench.host.setOptOut(
                of: "+44 (0)20 7183 8750", from: "+15551234567", to: true, reason: "asked by phone")
        }
        expectNoDifference(error?.code, .badInput)
    }

    @Test func `operators see it, are told of it, and may decide it`() async throws {
        let bench = try await bench()
        let told = Mutex<[OptOutChange]>([])
        bench.host.setOptOutObserver { change in told.withLock { $0.append(change) } }
        let seen = try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("STOP").new()])
            _ = try await engine.accept([try ConversationEvent.message("stop!", id: "msg_2").new()])
            await engine.idle()
            let seen = try await bench.host.optOuts(of: "555-987-6543")
            try await bench.host.setOptOut(
                of: "+15559876543", from: "+15551234567", to: false, reason: "asked by phone",
                at: Self.later.date)
            return (seen, try await bench.host.optOuts(of: "+15559876543"))
        }
        let (participant, number) = ("+15559876543", "+15551234567")
        expectNoDifference(
            seen.0, [RuleHost.OptOut(participant: participant, number: number, isOut: true, word: "stop!", at: noon)])
        expectNoDifference(seen.1.map(\.isOut), [false])
        expectNoDifference(
            told.withLock { $0 },
            [
                OptOutChange(participant: participant, number: number, isOut: true, word: "STOP"),
                OptOutChange(participant: participant, number: number, isOut: false, word: "asked by phone"),
            ])
    }

    /// Messages of somebody who opted out, which no event told of: older than the host, or ours.
    private static func withHistory(_ bench: RuleBench) {
        var other = Conversation.sample("conv_2")
        other.participant = "+15550009999"
        bench.api.change { [other] state in
            state.conversations["conv_2"] = other
            state.messages["conv_1"] = [.sample("msg_old", "Our words", direction: .outbound)]
        }
    }

    @Test(arguments: [
        ("conversation = message.conversation", "opted_out"), ("conversation_id = 'conv_1'", "opted_out"),
        ("conversation = conversations.get('conv_2')", "not_found"), ("conversation_id = 'conv_2'", "not_found"),
        ("body = 'no conversation'", "not_found"),
    ])
    func `whom a reaction reaches is looked up, whatever the rule says`(_ field: String, _ code: String) async throws {
        let body = """
            local old = message.conversation:messages { limit = 1 }[1]
            old.id, old.conversation, old.conversation_id = "msg_old", nil, nil
            old.\(field)
            old:react("love")
            """
        let failure = try await failure(body, Self.withHistory)
        expectNoDifference(failure?.code, code)
    }

    @Test func `a message that was just sent is known to reach whom it was sent to`() async throws {
        let bench = try await bench("message.conversation:send('Hi'):react('love')")
        try await bench.process(.message("go"))
        expectNoDifference(bench.api.calls.filter { $0.hasPrefix("react") }, ["react sent_1 love"])
    }

    @Test(arguments: [
        "jane@example.com\u{200B}", "jane@example.com.", "mailto:jane@example.com", "+44 (0)20 7183 8750",
        "+442071838750;ext=1", "nobody",
    ])
    func `an address in another than a plain spelling is refused, not guessed at`(_ address: String) async throws {
        let bench = try await RuleBench()
        let trace = try await bench.outcome(
            of: "messages.send { to = \"\(address)\", number = '+15551234567', body = 'Hi' }")
        expectNoDifference(trace.invocation.failure?.code, "invalid_address")
        #expect(trace.invocation.failure?.message.contains("+15551234567") == true)
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `what is sent goes to the address in its one spelling`() async throws {
        let bench = try await RuleBench()
        _ = try await bench.outcome(
            of: "messages.send { to = ' Jane@Example.com', number = '1 (555) 123-4567', body = 'Hi' }")
        expectNoDifference(bench.api.sent.map(\.toNumber), ["jane@example.com"])
        expectNoDifference(bench.api.sent.map(\.fromNumber), ["+15551234567"])
    }
}
