import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// Rules that wait, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct RuleWaitTests {
    private func rule(_ body: String, _ head: String = "when = { body = 'order' },") -> String {
        "return { on = 'message', \(head) run = function(message)\nlocal conversation = message.conversation\n\(body)\nend }"
    }

    /// Runs one rule over messages that come one after the other, and tells what it logged.
    private func logged(_ body: String, _ events: ConversationEvent...) async throws -> [String] {
        let bench = try await RuleBench(rules: ["a": rule(body)])
        return try await bench.run { engine in
            for event in events {
                _ = try await engine.accept([try event.new()])
                await engine.idle()
            }
            return try await engine.trace(ofEvent: 1).invocations.first?.logged ?? []
        }
    }

    @Test func `a reply ends the wait and belongs to the conversation in hand`() async throws {
        let body = """
            local reply = conversation:wait_reply { timeout = "2h" }
            log.info(reply.id .. " " .. reply.body .. " " .. tostring(reply.conversation == conversation))
            """
        let lines = try await logged(body, .message("order"), .message("here", id: "msg_2"))
        expectNoDifference(lines, ["msg_2 here true"])
    }

    @Test func `after its time a wait gives nil`() async throws {
        let bench = try await RuleBench(rules: [
            "a": rule("log.info(tostring(conversation:wait_reply { timeout = '2h' }))")
        ])
        let lines = try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("order").new()])
            await engine.idle()
            bench.clock.advance(by: .seconds(7199))
            await engine.idle()
            let early = try await engine.trace(ofEvent: 1).invocations.first?.invocation.state
            expectNoDifference(early, .waiting)
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
            return try await engine.trace(ofEvent: 1).invocations.first?.logged
        }
        expectNoDifference(lines, ["nil"])
    }

    @Test(arguments: [
        ("body = 'yes'", "no", "yes please"), ("pattern = 'ORD%-%d+'", "my order", "ORD-17"),
        ("media = 'image'", "a picture", "picture"),
    ])
    func `a wait's filter means what when means`(_ filter: String, _ other: String, _ fitting: String) async throws {
        let media = filter.hasPrefix("media") ? ["https://e.com/1.png"] : []
        let lines = try await logged(
            "log.info(conversation:wait_reply { \(filter) }.id)", .message("order"), .message(other, id: "msg_2"),
            .message(fitting, id: "msg_3", media: media))
        expectNoDifference(lines, ["msg_3"])
    }

    @Test func `a reaction on one message ends the wait for it, others don't`() async throws {
        let body = """
            local sent = conversation:send("Is that right?")
            local reaction = sent:wait_reaction { timeout = "1d" }
            log.info(reaction.reaction_type .. " on " .. reaction.message_id)
            """
        let bench = try await RuleBench(rules: ["a": rule(body)])
        let trace = try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("order").new()])
            await engine.idle()
            let sent = try await engine.trace(ofEvent: 1).invocations[0].entries[0].outcome
            let id = try #require(try json(sent)?["id"]?.string)
            _ = try await engine.accept([try ConversationEvent.reaction(.like, on: "msg_other").new()])
            await engine.idle()
            _ = try await engine.accept([try ConversationEvent.reaction(.love, on: Message.ID(id)).new()])
            await engine.idle()
            return (try await engine.trace(ofEvent: 1).invocations[0].logged, id)
        }
        expectNoDifference(trace.0, ["love on \(trace.1)"])
    }

    @Test(arguments: [true, false])
    func `wait_any tells what came`(isReply: Bool) async throws {
        let body = """
            local answer, what = wait_any { reply = {}, reaction = {}, timeout = "2h" }
            log.info(what .. " " .. (answer.body or answer.reaction_type))
            """
        let event = isReply ? ConversationEvent.message("hi", id: "msg_2") : .reaction(.laugh)
        let lines = try await logged(body, .message("order"), event)
        expectNoDifference(lines, [isReply ? "reply hi" : "reaction laugh"])
    }

    @Test func `a message given to a wait starts other rules, but not the one that waited`() async throws {
        let bench = try await RuleBench(rules: [
            "a": rule("conversation:wait_reply {}", ""), "b": "return { on = 'message', run = function() end }",
        ])
        try await bench.process(.message("one"))
        let second = try await bench.process(.message("two", id: "msg_2"))
        expectNoDifference(second.invocations.map(\.invocation.rule), ["acme/photos:b"])
        expectNoDifference(second.refusals.map(\.rule), ["acme/photos:a"])
    }

    @Test func `an exclusive wait keeps its message from rules`() async throws {
        let bench = try await RuleBench(rules: [
            "a": rule("conversation:wait_reply { exclusive = true }"),
            "b": "return { on = 'message', run = function() end }",
        ])
        try await bench.process(.message("order"))
        let second = try await bench.process(.message("two", id: "msg_2"))
        expectNoDifference(second.invocations.map(\.invocation.rule), [])
    }

    @Test func `a single rule does not start while one of it waits, and says why`() async throws {
        let bench = try await RuleBench(rules: [
            "a": rule("conversation:wait_reply { body = 'never' }", "mode = 'single',")
        ])
        try await bench.process(.message("one"))
        let second = try await bench.process(.message("two", id: "msg_2"))
        expectNoDifference(second.invocations.count, 0)
        #expect(second.refusals.first?.reason.contains("single") == true)
    }

    @Test func `sleep goes on when its time is over`() async throws {
        let bench = try await RuleBench(rules: ["a": rule("sleep('30m')\nlog.info('awake')")])
        let lines = try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("order").new()])
            await engine.idle()
            bench.clock.advance(by: .seconds(1800))
            await engine.idle()
            return try await engine.trace(ofEvent: 1).invocations.first?.logged
        }
        expectNoDifference(lines, ["awake"])
    }

    @Test(arguments: [
        ("conversation:wait_reply { timeout = 'soon' }", "conversation:wait_reply: timeout must be a duration"),
        ("conversation:wait_reply { within = 1 }", "conversation:wait_reply: unknown option within"),
        ("conversation:wait_reply { media = 'imge' }", "the wait's media = \"imge\" is not known"),
        ("wait_any {}", "wait_any: name what to wait for"), ("sleep()", "sleep: a duration is needed"),
        ("conversation.wait_reply()", "call this with a colon"),
    ])
    func `a wait that is written wrong says what is wrong, on its line`(_ call: String, _ message: String) async throws
    {
        let bench = try await RuleBench()
        let trace = try await bench.outcome(of: "local conversation = event.conversation\n\(call)")
        let failure = try #require(trace.failureMessage)
        #expect(failure.contains(message))
        #expect(failure.hasPrefix("photos/rules/tried.lua:3:"))
    }

    @Test func `what fell due while the host was down waits for the messages of that time`() async throws {
        let first = try await RuleBench(rules: ["a": rule("log.info(conversation:wait_reply { timeout = '1h' }.id)")])
        try await first.process(.message("order"))
        let second = try await RuleBench(api: first.api, sharing: first)
        try await second.load()
        second.clock.advance(by: .seconds(7200))
        let lines = try await second.run { engine in
            second.host.setCatchUp { _ in
                let late = ConversationEvent.message("here", id: "msg_2", at: noon.advanced(by: .seconds(1800)))
                _ = try await engine.accept([try late.new(source: "poll")])
            }
            await engine.idle()
            return try await engine.trace(ofEvent: 1).invocations.first?.logged
        }
        expectNoDifference(lines, ["msg_2"])
    }

    // MARK: Reminders

    private static let reminder = """
        conversation:send("Which?")
        sleep("1h")
        local sent = %@
        log.info(tostring(sent and sent.body))
        log.info(conversation:wait_reply { timeout = "1h" }.body)
        """

    @Test(arguments: [
        "conversation:send('Still there?', { unless_reply = true })",
        "message:reply('Still there?', { unless_reply = true })",
        "messages.send { to = conversation.participant, number = conversation.number, body = '?', unless_reply = true }",
    ])
    func `a reminder that was overtaken is not sent, and the next wait finds the reply`(_ send: String) async throws {
        let bench = try await RuleBench(rules: ["a": rule(Self.reminder.replacing("%@", with: send))])
        let lines = try await bench.run { engine in
            for event in [ConversationEvent.message("order"), .message("here", id: "msg_2")] {
                _ = try await engine.accept([try event.new()])
                await engine.idle()
            }
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            return try await engine.trace(ofEvent: 1).invocations.first?.logged
        }
        expectNoDifference(lines, ["nil", "here"])
        expectNoDifference(bench.api.sent.map(\.body), ["Which?"])
    }

    @Test func `in a group only the one who was asked overtakes it`() async throws {
        let send = "conversation:send('Still there?', { unless_reply = true })"
        let bench = try await RuleBench(rules: ["a": rule(Self.reminder.replacing("%@", with: send))])
        func said(_ text: String, _ id: Message.ID, by member: String) -> ConversationEvent {
            var event = ConversationEvent.message(text, id: id)
            event.conversation.participant = "grp_1"
            event.message?.senderIdentifier = member
            return event
        }
        try await bench.run { engine in
            _ = try await engine.accept([
                try said("order", "msg_1", by: "+15550007777").new(),
                try said("not me", "msg_2", by: "+15550008888").new(),
            ])
            await engine.idle()
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
        }
        expectNoDifference(bench.api.sent.map(\.body), ["Which?", "Still there?"])
    }

    @Test func `a reminder to somebody of whose conversation nothing is known says so`() async throws {
        let send = "messages.send { to = '+15550001111', number = '+15551234567', body = 'Hi', unless_reply = true }"
        let bench = try await RuleBench(rules: ["a": rule(send)])
        let trace = try await bench.process(.message("order"))
        expectNoDifference(trace.invocations.first?.invocation.failure?.code, "bad_value")
        #expect(trace.invocations.first?.failureMessage?.contains("unless_reply needs the conversation") == true)
        #expect(bench.api.sent.isEmpty)
    }
}
