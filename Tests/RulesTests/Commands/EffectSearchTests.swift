import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// Sends and reactions whose answers are lost, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct EffectSearchTests {
    private static let lost = APIError(.outcomeUnknown, "the connection broke")
    private static let logSent = "local sent = message.conversation:send('Hi')\nlog.info(sent.id .. ' ' .. sent.body)"

    private func run(
        _ body: String, _ change: (FakeAPI) -> Void
    ) async throws -> (trace: InvocationTrace, api: FakeAPI) {
        let rule = "return { on = 'message', run = function(message)\n\(body)\nend }"
        let bench = try await RuleBench(rules: ["a": rule])
        bench.api.change { state in
            state.effectsAt = noon
            state.messages["conv_1"] = [.sample()]
        }
        change(bench.api)
        return (try #require(try await bench.decide(.message()).invocations.first), bench.api)
    }

    @Test func `a message whose answer was lost is found, and the rule goes on with it`() async throws {
        let (trace, api) = try await run(Self.logSent) { $0.loseAnswer(of: .send, Self.lost) }
        expectNoDifference(trace.invocation.state, .finished)
        expectNoDifference(trace.logged, ["sent_1 Hi"])
        expectNoDifference(api.sent.count, 1)
        let outcome = try json(trace.entries[0].outcome)
        expectNoDifference(
            outcome,
            [
                "id": "sent_1", "body": "Hi", "direction": "outbound", "from_number": "+15551234567",
                "to_number": "+15559876543", "channel": "imessage", "media_urls": [], "attachments": [],
                "status": "sent", "conversation_id": "conv_1",
            ])
    }

    @Test func `a message that was not sent is not found, and a person decides`() async throws {
        let (trace, api) = try await run(Self.logSent) { $0.fail(.send, Self.lost) }
        expectNoDifference(trace.invocation.state, .parked)
        expectNoDifference(api.sent.count, 0)
    }

    @Test func `two equal sends are not taken for one another`() async throws {
        let body = Self.logSent + "\n" + Self.logSent.replacing("local sent", with: "sent")
        let (trace, api) = try await run(body) { $0.loseAnswer(of: .send, Self.lost, Self.lost) }
        expectNoDifference(trace.logged, ["sent_1 Hi", "sent_2 Hi"])
        expectNoDifference(api.sent.count, 2)
    }

    @Test func `the message of an equal send that was answered is not found for another`() async throws {
        let (trace, _) = try await run(Self.logSent + "\n" + Self.logSent) { $0.fail(.send, nil, Self.lost) }
        expectNoDifference(trace.logged, ["sent_1 Hi"])
        expectNoDifference(trace.invocation.state, .parked)
    }

    @Test func `a claim lasts over a restart`() async throws {
        let rule = "return { on = 'message', run = function(message)\n\(Self.logSent)\nend }"
        let first = try await RuleBench(rules: ["a": rule])
        first.api.change { $0.effectsAt = noon }
        try await first.process(.message())
        let second = try await RuleBench(api: first.api, sharing: first)
        try await second.load()
        first.api.fail(.send, Self.lost)
        let trace = try await second.decide(.message(id: "msg_2"))
        expectNoDifference(trace.invocations.map(\.invocation.state), [.parked])
    }

    @Test func `what a run of a third conversation sent is not claimed, also after a restart`() async throws {
        let rule = """
            return { on = 'message', run = function(message)
              if message.conversation.id == "conv_3" then
                messages.send { to = '+15559876543', number = '+15551234567', body = 'Hi' }
              else
                message.conversation:send('Hi')
              end
            end }
            """
        let first = try await RuleBench(rules: ["a": rule])
        first.api.change { $0.effectsAt = noon }
        try await first.process(.message(in: "conv_3"))
        expectNoDifference(first.api.sent.count, 1)
        let second = try await RuleBench(api: first.api, sharing: first)
        try await second.load()
        first.api.fail(.send, Self.lost)
        let trace = try await second.decide(.message(id: "msg_2"))
        expectNoDifference(trace.invocations.map(\.invocation.state), [.parked])
    }

    @Test func `a message that was found for one send is not found for another, also after a restart`() async throws {
        let rule = "return { on = 'message', run = function(message)\n\(Self.logSent)\nend }"
        let first = try await RuleBench(rules: ["a": rule])
        first.api.change { $0.effectsAt = noon }
        first.api.loseAnswer(of: .send, Self.lost)
        try await first.process(.message())
        let second = try await RuleBench(api: first.api, sharing: first)
        try await second.load()
        first.api.fail(.send, Self.lost)
        let trace = try await second.decide(.message(id: "msg_2"))
        expectNoDifference(trace.invocations.map(\.invocation.state), [.parked])
    }

    @Test(arguments: [false, true])
    func `a message that a person says was sent is not found for another send`(afterRestart: Bool) async throws {
        let rule = "return { on = 'message', run = function(message)\n\(Self.logSent)\nend }"
        let first = try await RuleBench(rules: ["a": rule])
        first.api.loseAnswer(of: .send, Self.lost)
        try await first.decide(.message())
        // It was listed late, when nobody looked any more.
        first.api.change { $0.messages["conv_1"] = [.sample("sent_9", "Hi", direction: .outbound)] }
        let decided = try await first.run { engine in
            try await first.host.resolveAsSent("inv_0000000000010000")
            await engine.idle()
            return try await engine.trace(ofEvent: 1)
        }
        expectNoDifference(decided.invocations.map(\.logged), [["sent_9 Hi"]])
        let second = afterRestart ? try await RuleBench(api: first.api, sharing: first) : first
        try await second.load()
        first.api.fail(.send, Self.lost)
        let trace = try await second.decide(.message(id: "msg_2"))
        expectNoDifference(trace.invocations.map(\.invocation.state), [.parked])
    }

    @Test func `what a person says was sent counts though it is not listed`() async throws {
        let bench = try await RuleBench(rules: ["a": "return { on = 'message', run = function(m) m:reply('Hi') end }"])
        bench.api.fail(.send, Self.lost)
        try await bench.decide(.message())
        let invocation = try await bench.run { engine in
            try await bench.host.resolveAsSent("inv_0000000000010000")
            await engine.idle()
            return try await engine.invocation("inv_0000000000010000")
        }
        expectNoDifference(invocation?.state, .finished)
    }

    @Test func `while the API can't tell which message it was, nothing is decided`() async throws {
        let bench = try await RuleBench(rules: ["a": "return { on = 'message', run = function(m) m:reply('Hi') end }"])
        bench.api.fail(.send, Self.lost)
        try await bench.decide(.message())
        bench.api.fail(.messages, APIError(.unavailable, "connection refused"))
        try await bench.run { engine in
            let error = await #expect(throws: EngineError.self) {
                try await bench.host.resolveAsSent("inv_0000000000010000")
            }
            expectNoDifference(error?.code, .unavailable)
            try await expectSame(engine.invocation("inv_0000000000010000")?.state, .parked)
        }
    }

    @Test(arguments: [
        Message.sample("sent_9", "Hi", at: noon.advanced(by: .seconds(-31)), direction: .outbound),
        .sample("sent_9", "Hi", direction: .inbound), .sample("sent_9", "Hi!", direction: .outbound),
        .sample("sent_9", "Hi", direction: .outbound, media: ["https://e.com/1.png"]),
    ])
    func `an older, inbound or different message is not it`(_ message: Message) async throws {
        let (trace, _) = try await run(Self.logSent) { api in
            api.change { $0.messages["conv_1"]?.append(message) }
            api.fail(.send, Self.lost)
        }
        expectNoDifference(trace.invocation.state, .parked)
    }

    @Test func `media are recognised by their number, since the API hosts copies`() async throws {
        let body = "local sent = message.conversation:send('', { media = 'https://e.com/1.png' })\nlog.info(sent.id)"
        let (trace, _) = try await run(body) { $0.loseAnswer(of: .send, Self.lost) }
        expectNoDifference(trace.logged, ["sent_1"])
    }

    @Test(arguments: ["number = '+1 555 123 4567'", "agent = 'agt_1'"])
    func `where no conversation is named it is found by its people`(_ sender: String) async throws {
        let body = "log.info(messages.send { to = '(555) 987-6543', \(sender), body = 'Hi' }.id)"
        let (trace, _) = try await run(body.replacing("(555) 987-6543", with: "+15559876543")) {
            $0.loseAnswer(of: .send, Self.lost)
        }
        expectNoDifference(trace.logged, ["sent_1"])
    }

    @Test func `a reaction whose answer was lost is found on its message`() async throws {
        let (trace, api) = try await run("log.info(message:react('love').reaction_type)") {
            $0.loseAnswer(of: .react, Self.lost)
        }
        expectNoDifference(trace.logged, ["love"])
        expectNoDifference(api.calls.filter { $0.hasPrefix("react") }.count, 1)
    }

    @Test func `another reaction, or somebody else's, is not it`() async throws {
        let (trace, _) = try await run("message:react('love')") { api in
            api.change { state in
                state.messages["conv_1"]?[0].reactions = [
                    MessageReaction(
                        id: "rxn_8", reactionType: .like, fromNumber: "+15551234567", direction: .outbound,
                        createdAt: noon),
                    MessageReaction(
                        id: "rxn_9", reactionType: .love, fromNumber: "+15559876543", direction: .inbound,
                        createdAt: noon),
                ]
            }
            api.fail(.react, Self.lost)
        }
        expectNoDifference(trace.invocation.state, .parked)
    }

    @Test(arguments: [FakeAPI.Call.send, .react])
    func `while the API is down the look waits for it, and then decides`(_ call: FakeAPI.Call) async throws {
        let body = call == .send ? "message.conversation:send('Hi')" : "message:react('love')"
        let bench = try await RuleBench(rules: [
            "a": "return { on = 'message', run = function(message) \(body) end }"
        ])
        bench.api.change { state in
            state.effectsAt = noon
            state.messages["conv_1"] = [.sample()]
        }
        bench.api.loseAnswer(of: call, Self.lost)
        let down = APIError(.unavailable, "connection refused")
        bench.api.fail(.messages, down, down, down)
        let event = try ConversationEvent.message().new()
        let trace = try await bench.run { engine in
            _ = try await engine.accept([event])
            await engine.idle()
            let held = try await engine.trace(ofEvent: 1).invocations.first?.invocation
            #expect(held?.state == .held && held?.reason?.contains("connection refused") == true, "\(held as Any)")
            for _ in 0..<60 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
            return try await engine.trace(ofEvent: 1)
        }
        expectNoDifference(trace.invocations.first?.invocation.state, .finished)
        expectNoDifference(bench.api.calls.count { $0.hasPrefix(call.rawValue) }, 1)
    }

    @Test func `a message that is listed late is found at the second look`() async throws {
        let bench = try await RuleBench(rules: [
            "a": "return { on = 'message', run = function(message)\n\(Self.logSent)\nend }"
        ])
        bench.api.loseAnswer(of: .send, Self.lost)
        let event = try ConversationEvent.message().new()
        let trace = try await bench.run { engine in
            _ = try await engine.accept([event])
            await engine.idle()
            bench.api.change { $0.messages["conv_1"] = [.sample("sent_9", "Hi", direction: .outbound)] }
            bench.clock.advance(by: .seconds(5))
            await engine.idle()
            return try await engine.trace(ofEvent: 1)
        }
        expectNoDifference(trace.invocations.first?.logged, ["sent_9 Hi"])
    }

    @Test func `where a reaction added twice is one, it is added again`() async throws {
        var configuration = RuleHostConfiguration()
        configuration.repeatsReactions = true
        let bench = try await RuleBench(
            rules: ["a": "return { on = 'message', run = function(message) message:react('love') end }"],
            configuration: configuration)
        bench.api.fail(.react, Self.lost)
        let event = try ConversationEvent.message().new()
        let trace = try await bench.run { engine in
            _ = try await engine.accept([event])
            await engine.idle()
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
            return try await engine.trace(ofEvent: 1)
        }
        expectNoDifference(trace.invocations.first?.invocation.state, .finished)
        expectNoDifference(bench.api.calls.count { $0.hasPrefix("react") }, 2)
    }

    @Test func `a rule that fails by itself with the same word is failed, not parked`() async throws {
        let (trace, _) = try await run("error({ code = 'outcome_unknown', message = 'mine' })") { _ in }
        expectNoDifference(trace.invocation.state, .failed)
        expectNoDifference(trace.invocation.failure?.code, "outcome_unknown")
    }
}
