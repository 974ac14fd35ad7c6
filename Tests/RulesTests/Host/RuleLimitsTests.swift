import Conversations
import CustomDump
import DurableExecution
import Foundation
import Lua
import Packs
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// What a run may use, through a real engine.
@Suite(.timeLimit(.minutes(2))) struct RuleLimitsTests {
    /// Some 15 ms of processor time.
    private static let work = "local s = 0 for j = 1, 1500000 do s = s + j % 7 end"

    private func configuration(cpu: Duration = .milliseconds(60), stops: FuseRate? = nil) -> RuleHostConfiguration {
        RuleHostConfiguration(
            limits: RuleLimits(cpu: cpu),
            policy: PolicyConfiguration(fuses: Fuses(conversation: nil, rule: nil, number: nil, stops: stops)))
    }

    /// What becomes of a rule with this body, with the clock moved on each time it waits.
    private func end(of body: String, _ configuration: RuleHostConfiguration) async throws -> Invocation {
        let bench = try await RuleBench(
            rules: ["a": "return { on = 'message', run = function(message)\n\(body)\nend }"],
            configuration: configuration)
        return try await bench.run(configuring: { $0.commandLimit = 300 }) { engine in
            _ = try await engine.accept([try ConversationEvent.message().new()])
            await engine.idle()
            for _ in 0..<20 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
            return try #require(try await engine.trace(ofEvent: 1).invocations.first).invocation
        }
    }

    @Test(
        .allReplayModes,
        arguments: [
            "store.increment('n')", "message.conversation:increment('n')", "time.now()", "sleep(0.2)",
            "message.conversation:messages {}",
        ])
    func `a loop may use its processor time in every round`(command: String) async throws {
        let invocation = try await end(of: "for i = 1, 10 do \(Self.work) \(command) end", configuration())
        #expect(invocation.state == .finished, "\(String(describing: invocation.failure))")
    }

    @Test(
        .allReplayModes,
        arguments: [
            "while true do end", "store.get('a') while true do pcall(function() while true do end end) end",
            "while true do pcall(store.set, 'k', 0 / 0) end",
            "while true do pcall(message.conversation.wait_reply, message.conversation, { media = 'imge' }) end",
            "sleep(0.2) while true do end",
        ])
    func `a loop without an end is stopped, in pcall and with refused commands too`(body: String) async throws {
        let invocation = try await end(of: body, configuration())
        expectNoDifference(invocation.state, .failed)
        expectNoDifference(invocation.failure?.code, "limit")
        #expect(invocation.failure?.message.contains("raise limits.cpu") == true)
    }

    @Test(arguments: ["time.now()", "store.get('a')", "store.set('a', 1)"])
    func `a loop of instant commands ends with the number of commands`(command: String) async throws {
        let invocation = try await end(of: "while true do pcall(function() \(command) end) end", configuration())
        expectNoDifference(invocation.failure?.code, "too_many_commands")
    }

    @Test func `a step that is replayed may take more than its time, one that is new may not`() async throws {
        let bench = try await RuleBench(
            rules: ["a": "return { on = 'message', run = function() for i = 1, 6 do \(Self.work) end end }"],
            configuration: configuration(cpu: .milliseconds(50)))
        let pack = try #require(bench.book.activePacks.first)
        let invocation = Invocation(
            id: "inv_0000000000010000", event: 1, queue: "conv_1", rule: "acme/photos:a", version: pack.version,
            createdAt: noon.date, updatedAt: noon.date)
        let event = Event(
            sequence: 1, identity: "i", queue: "conv_1", kind: "message", source: "webhook",
            payload: try JSON.encode(ConversationEvent.message()), occurredAt: noon.date, acceptedAt: noon.date)
        let replayed = try await bench.host.program(for: invocation, event: event)
        await expectSame(replayed.advance(.begin, replaying: true).next, .finished(nil))
        await replayed.cancel()
        let new = try await bench.host.program(for: invocation, event: event)
        guard case .failed(let failure) = await new.advance(.begin, replaying: false).next else {
            return #expect(Bool(false))
        }
        expectNoDifference(failure.code, "limit")
        await new.cancel()
    }

    // MARK: matches

    @Test func `a rule that spins while it is asked leaves the others their turns`() async throws {
        let bench = try await RuleBench(
            rules: [
                "fast": "return { on = 'message', matches = function() return true end, run = function() end }",
                "spin": "return { on = 'message', matches = function() while true do end end, run = function() end }",
            ])
        let pack = try #require(bench.book.activePacks.first)
        let shard = RuleShard(
            name: "test", limits: RuleLimits(cpu: .seconds(2)), memory: RestingMemory(limit: .max))
        let event = ConversationEvent.message()
        let isOver = Mutex(false)
        let spinning = Task {
            let judgment = await shard.judge(event, by: pack.rules[1], of: pack)
            isOver.withLock { $0 = true }
            return judgment
        }
        for _ in 0..<5 {
            await expectSame(shard.judge(event, by: pack.rules[0], of: pack), RuleShard.Judgment())
        }
        #expect(!isOver.withLock { $0 })
        let judgment = await spinning.value
        #expect(judgment.wasStopped)
        #expect(judgment.refusal?.contains("limits.cpu") == true)
    }

    @Test func `a pattern that takes long has less time than a rule, since it can't pause`() async throws {
        let rule = "return { on = 'message', when = { pattern = 'x*x*x*x*x*x*x*x*x*y' }, run = function() end }"
        let bench = try await RuleBench(rules: ["a": rule])
        let pack = try #require(bench.book.activePacks.first)
        let shard = RuleShard(
            name: "test", limits: RuleLimits(cpu: .seconds(60)), memory: RestingMemory(limit: .max))
        let event = ConversationEvent.message(String(repeating: "x", count: 400))
        let judgment = await shard.judge(event, by: pack.rules[0], of: pack)
        #expect(judgment.wasStopped)
        #expect(judgment.refusal?.contains("raise limits.pattern") == true)
        try await expectSame(shard.matches(["y$", "x"], "x"), true)
    }

    @Test(arguments: ["matches = function() while true do end end", "matches = (function() while true do end end)()"])
    func `a rule that is stopped too often while it is asked is paused`(condition: String) async throws {
        let bench = try await RuleBench(
            rules: ["a": "return { on = 'message', run = function() end }"],
            configuration: configuration(cpu: .milliseconds(10), stops: FuseRate(2, per: .seconds(600))))
        let subject = PauseSubject.rule("acme/photos:a")
        var pack = try #require(bench.book.activePacks.first)
        pack.pack = try spinning(pack, "return { on = 'message', \(condition), run = function() end }")
        pack.rules[0].hasMatches = true
        try await bench.run { [pack] engine in
            try await bench.book.activate(pack)
            for number in 1...3 {
                #expect(engine.pauses.first(of: [subject]) == nil)
                _ = try await engine.accept([try ConversationEvent.message(id: Message.ID("msg_\(number)")).new()])
                await engine.idle()
            }
            #expect(engine.pauses.first(of: [subject])?.reason.contains("policy.fuses.stops") == true)
        }
    }

    /// The pack with another text of its rule: one that the loader would not have let through.
    private func spinning(_ pack: RulePack, _ text: String) throws -> Pack {
        var files = pack.pack.files
        files[pack.rules[0].path] = Data(text.utf8)
        return Pack(manifest: pack.pack.manifest, files: files)
    }

    // MARK: Logs

    @Test func `what is logged between two commands is bounded in lines and bytes`() async throws {
        let bench = try await RuleBench()
        let trace = try await bench.outcome(
            of: "for i = 1, 100 do log.info(('x'):rep(4000)) end time.now() for i = 1, 300 do log.info('y') end")
        let large = trace.logs.filter { $0.position == 0 }
        #expect(large.reduce(0) { $0 + $1.line.message.utf8.count } < 66_000)
        #expect(large.last?.line.message.contains("84 further log lines were dropped") == true)
        #expect(large.last?.line.message.contains("limits.step_log_bytes") == true)
        expectNoDifference(trace.logs.count { $0.line.message == "y" }, 200)
    }
}
