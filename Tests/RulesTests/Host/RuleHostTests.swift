import Conversations
import CustomDump
import DurableExecution
import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

@Suite(.allReplayModes) struct RuleHostTests {
    private let heart = """
        return { on = "message", when = { channel = "imessage", media = "image" }, run = function(message)
          message:react("love")
          message.conversation:increment("photos")
        end }
        """
    private let photo = ConversationEvent.message("", media: ["https://e.com/1.png"])

    // MARK: Matching

    @Test func `matching rules start in the order of their names, others are refused with reasons`() async throws {
        let bench = try await RuleBench(rules: [
            "b": "return { on = 'message', run = function() end }", "a": heart,
            "c": "return { on = 'message', when = { body = 'order' }, run = function() end }",
            "r": "return { on = 'reaction', run = function() end }",
        ])
        let trace = try await bench.process(photo)
        expectNoDifference(trace.invocations.map(\.invocation.rule), ["acme/photos:a", "acme/photos:b"])
        expectNoDifference(
            trace.refusals, [Refusal(rule: "acme/photos:c", reason: "the text has none of: order")])
        expectNoDifference(
            trace.invocations[0].story,
            [
                #"message.react {"conversation_id":"conv_1","message_id":"msg_1","reaction":"love"} -> "#
                    + #"{"id":"rxn_1","message_id":"msg_1","reaction_type":"love"}"#,
                #"conversation.increment {"by":1,"conversation_id":"conv_1","key":"photos"} -> "#
                    + #"{"metadata":{"photos":1},"value":1}"#,
            ])
    }

    @Test(arguments: [
        ("ORD%-%d+", "my ORD-17", nil), ("^%a+$", "two words", "the text matches none of: ^%a+$"),
        ("%f[%a]order%f[%A]", "disorder", "the text matches none of: %f[%a]order%f[%A]"),
    ])
    func `a pattern is Lua's own`(_ pattern: String, _ text: String, _ refusal: String?) async throws {
        let bench = try await RuleBench(rules: [
            "a": "return { on = 'message', when = { pattern = '\(pattern)' }, run = function() end }"
        ])
        #expect(try await bench.process(.message(text)).refusals.map(\.reason) == (refusal.map { [$0] } ?? []))
    }

    @Test(arguments: [
        ("return true", nil), ("return 0", nil), ("return false", "matches said no"), ("return", "matches said no"),
        (
            "message:react('love')",
            "matches failed: it may only look, but it called message.react; do that in run"
        ),
        ("store.get('a')", "matches failed: it may only look, but it called store.get; do that in run"),
        ("return message.body.x.y", "matches failed: photos/rules/a.lua:1: attempt to index a nil value"),
    ])
    func `a function may be asked as well`(_ body: String, _ refusal: String?) async throws {
        let bench = try await RuleBench(rules: [
            "a": "return { on = 'message', matches = function(message) \(body) end, run = function() end }"
        ])
        let trace = try await bench.process(.message())
        #expect(trace.invocations.count == (refusal == nil ? 1 : 0))
        let reason = trace.refusals.first?.reason
        #expect(reason == nil ? refusal == nil : reason?.hasPrefix(refusal ?? "-") == true, "\(reason ?? "none")")
        #expect(bench.api.calls.isEmpty)
    }

    // MARK: Failing

    @Test func `a failing rule holds up no other`() async throws {
        let bench = try await RuleBench(
            rules: [
                "a": "return { on = 'message', run = function(message)\n  local x = message.nothing.more\nend }",
                "b": heart,
            ])
        let trace = try await bench.process(photo)
        expectNoDifference(trace.invocations.map(\.invocation.state), [.failed, .finished])
        let failure = try #require(trace.invocations.first?.invocation.failure)
        #expect(failure.location == "photos/rules/a.lua:2")
        #expect(failure.message.hasPrefix("photos/rules/a.lua:2: attempt to index a nil value (field 'nothing')"))
        #expect(failure.traceback?.contains("2 |   local x = message.nothing.more") == true)
    }

    @Test func `a rule can't leave anything behind for the next event`() async throws {
        let bench = try await RuleBench(rules: [
            "a": """
            local count = 0
            return { on = "message", run = function() count = count + 1 log.info(count) end }
            """
        ])
        for index in 0..<3 {
            let trace = try await bench.process(.message(id: Message.ID("msg_\(index)")))
            #expect(trace.invocations.first?.logged == ["1"])
        }
    }

    @Test func `chance is the same in every replay and another in every invocation`() async throws {
        let bench = try await RuleBench(rules: [
            "a": "return { on = 'message', run = function() log.info(math.random(1000000000)) end }"
        ])
        let first = try await bench.process(.message(id: "msg_1")).invocations.first?.logged
        let second = try await bench.process(.message(id: "msg_2")).invocations.first?.logged
        #expect(first != second)
        let again = try await RuleBench(rules: [
            "a": "return { on = 'message', run = function() log.info(math.random(1000000000)) end }"
        ]).process(.message(id: "msg_1")).invocations.first?.logged
        #expect(first == again)
    }

    // MARK: Reloading

    @Test func `the next event gets the new rule`() async throws {
        let bench = try await RuleBench(rules: ["a": "return { on = 'message', run = function() log.info('old') end }"])
        #expect(try await bench.process(.message(id: "msg_1")).invocations.first?.logged == ["old"])
        try bench.folder.write("return { on = 'message', run = function() log.info('new') end }", to: "rules/a.lua")
        try await bench.load()
        await bench.host.retireStates()
        #expect(try await bench.process(.message(id: "msg_2")).invocations.first?.logged == ["new"])
    }

    @Test func `an invocation under way finishes on the version that it began with`() async throws {
        let gate = Gate()
        let api = FakeAPI(beforeUpdate: { await gate.wait() })
        let bench = try await RuleBench(
            rules: [
                "a": "return { on = 'message', run = function(m) m.conversation:tag { a = 1 } log.info('old') end }"
            ], api: api)
        let logged = try await bench.run { engine in
            let sequence = try await engine.accept([try ConversationEvent.message().new()])[0].sequence
            await gate.arrival()
            try bench.folder.write("return { on = 'message', run = function() log.info('new') end }", to: "rules/a.lua")
            try await bench.load()
            await bench.host.retireStates()
            await gate.open()
            await engine.idle()
            return try await engine.trace(ofEvent: sequence).invocations.first?.logged
        }
        #expect(logged == ["old"])
    }

    @Test func `after a restart an invocation finds its rules in the archive`() async throws {
        let gate = Gate()
        let rule = """
            return { on = 'message', run = function(m)
              m.conversation:increment('n') m.conversation:tag { done = true } log.info('old')
            end }
            """
        let bench = try await RuleBench(rules: ["a": rule], api: FakeAPI(beforeUpdate: { await gate.wait() }))
        let engine = bench.makeEngine()
        let run = Task { try await engine.run() }
        let sequence = try await engine.accept([try ConversationEvent.message().new()])[0].sequence
        await gate.arrival()
        run.cancel()
        await gate.open()
        _ = await run.result

        try bench.folder.write("return { on = 'message', run = function() log.info('new') end }", to: "rules/a.lua")
        let restarted = try await RuleBench(api: bench.api, sharing: bench)
        try await restarted.load()
        let trace = try await restarted.run { engine in
            await engine.idle()
            return try await engine.trace(ofEvent: sequence)
        }
        #expect(trace.invocations.map(\.invocation.state) == [.finished])
        #expect(trace.invocations.first?.logged == ["old"])
        #expect(bench.api.metadata(of: "conv_1") == ["n": 1, "done": true])
    }

    @Test func `a version that is nowhere fails the invocation with a reason`() async throws {
        let bench = try await RuleBench(rules: ["a": heart])
        let engine = bench.makeEngine()
        defer { withExtendedLifetime(engine) {} }
        let invocation = Invocation(
            id: "inv_0000000000000001", event: 1, queue: "conv_1", rule: "acme/photos:a", version: "abcdef0123456789",
            createdAt: noon.date, updatedAt: noon.date)
        let event = Event(
            sequence: 1, identity: "i", queue: "conv_1", kind: "message", source: "webhook",
            payload: try JSON.encode(photo), occurredAt: noon.date, acceptedAt: noon.date)
        await #expect(
            throws: EngineFailure(
                "the version of acme/photos:a that this began with is gone (abcdef012345)", retryable: false)
        ) { try await bench.host.program(for: invocation, event: event) }
    }

    // MARK: Retrying

    @Test func `a failed change of metadata is retried, the rule is not run anew`() async throws {
        let bench = try await RuleBench(rules: ["a": heart])
        bench.api.loseAnswer(of: .update, APIError(.unavailable, "lost"))
        let trace = try await bench.run { engine in
            let sequence = try await engine.accept([try photo.new()])[0].sequence
            await engine.idle()
            await bench.clock.sleepers(atLeast: 1)
            bench.clock.advance(by: .seconds(2))
            await engine.idle()
            return try await engine.trace(ofEvent: sequence)
        }
        #expect(trace.invocations.map(\.invocation.state) == [.finished])
        #expect(bench.api.calls.count { $0.hasPrefix("react") } == 1)
        #expect(bench.api.metadata(of: "conv_1") == ["photos": 1])
    }

    @Test func `an unknown outcome of a send is parked, and never sent again`() async throws {
        let bench = try await RuleBench(rules: [
            "a": "return { on = 'message', run = function(m) m.conversation:send('Hi') end }"
        ])
        bench.api.loseAnswer(of: .send, APIError(.outcomeUnknown, "no answer"))
        let trace = try await bench.decide(.message())
        #expect(trace.invocations.map(\.invocation.state) == [.parked])
        #expect(bench.api.sent.count == 1)
    }

    @Test func `the example's way: webhook and poll of one photo run its rule once`() async throws {
        let bench = try await RuleBench(rules: ["a": heart])
        bench.api.change { $0.messages["conv_1"] = [.sample("msg_1", "", media: ["https://e.com/1.png"])] }
        let untold = ConversationEvent.message("", id: nil, media: ["https://e.com/1.png"])
        let states = try await bench.run { engine in
            _ = try await engine.accept([
                try untold.new(delivery: "del_1"),
                try ConversationEvent(Message.sample("msg_1", "", media: ["https://e.com/1.png"]), in: .sample())
                    .new(source: "poll"),
                try untold.new(delivery: "del_1"),
            ])
            await engine.idle()
            return try await engine.events().map(\.state)
        }
        expectNoDifference(states, [.done, .duplicate])
        #expect(bench.api.calls.count { $0.hasPrefix("react") } == 1)
    }
}

/// Holds tasks back until it is opened.
actor Gate {
    private var isOpen = false
    private var held: [CheckedContinuation<Void, Never>] = []
    private var watchers: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { continuation in
            held.append(continuation)
            for watcher in watchers { watcher.resume() }
            watchers = []
        }
    }

    /// Returns once somebody is held.
    func arrival() async {
        guard held.isEmpty else { return }
        await withCheckedContinuation { watchers.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in held { continuation.resume() }
        held = []
    }
}
