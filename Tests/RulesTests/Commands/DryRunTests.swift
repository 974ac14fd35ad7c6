import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// Dry runs and rehearsals, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct DryRunTests {
    private static let everything = """
        return { on = "message", run = function(message)
          local conversation = message.conversation
          message:react("love")
          conversation:tag { topic = "orders" }
          conversation:increment("photos")
          conversation:increment("photos")
          local sent = conversation:send("Hi")
          store.increment("seen")
          log.info(tostring(conversation:typing()))
          log.info(conversation.metadata.topic .. " " .. conversation.metadata.photos)
          log.info(conversation:refresh().metadata.photos .. " " .. sent.status)
        end }
        """
    private static let logged = ["false", "orders 2", "2 not performed (dry run)"]

    private func effects(_ api: FakeAPI) -> [String] {
        api.calls.filter { call in ["send", "react", "update", "typing"].contains { call.hasPrefix($0) } }
    }

    @Test func `a dry run does nothing, and the rule sees what it would`() async throws {
        let bench = try await RuleBench(
            rules: ["a": Self.everything], configuration: RuleHostConfiguration(isDryRun: true))
        let trace = try #require(try await bench.process(.message()).invocations.first)
        expectNoDifference(trace.logged, Self.logged)
        expectNoDifference(effects(bench.api), [])
    }

    @Test func `a dry run shows in the trace which commands were not performed`() async throws {
        let bench = try await RuleBench(
            rules: ["a": Self.everything], configuration: RuleHostConfiguration(isDryRun: true))
        let trace = try #require(try await bench.process(.message()).invocations.first)
        let marked = trace.entries.filter { $0.outcome.map(DryRun.marks) ?? false }
        expectNoDifference(
            marked.map(\.name),
            [
                "message.react", "conversation.tag", "conversation.increment", "conversation.increment",
                "message.send",
            ])
        let ids = try marked.compactMap { try json($0.outcome)?["id"]?.string }
        #expect(ids.count == 2 && ids.allSatisfy { $0.hasPrefix("dry_") } && Set(ids).count == 2)
    }

    @Test func `a real run is marked nowhere`() async throws {
        let bench = try await RuleBench(rules: ["a": Self.everything])
        let trace = try #require(try await bench.process(.message()).invocations.first)
        #expect(!trace.entries.contains { $0.outcome.map(DryRun.marks) ?? false })
    }

    @Test func `policy holds in a dry run too`() async throws {
        let bench = try await RuleBench(
            rules: ["a": Self.everything], configuration: RuleHostConfiguration(isDryRun: true))
        let trace = try await bench.process(.message("STOP"))
        expectNoDifference(trace.invocations.first?.invocation.failure?.code, "opted_out")
    }

    // MARK: Rehearsals

    @Test func `an event is rehearsed against today's rules, again and again, and nothing is done`() async throws {
        let bench = try await RuleBench(rules: ["a": Self.everything])
        try await bench.process(.message())
        bench.api.change { $0.conversations["conv_1"]?.metadata = nil }
        bench.api.forgetCalls()
        let traces = try await bench.run { engine in
            let both = [try await engine.replay(1), try await engine.replay(1)]
            expectSame(try await engine.storedValue(scope: "acme/photos", key: "seen"), Data("1".utf8))
            return both
        }
        for trace in traces { expectNoDifference(trace.invocations.first?.logged, Self.logged) }
        expectNoDifference(effects(bench.api), [])
    }

    @Test func `a rehearsal says what policy would refuse, and holds nothing`() async throws {
        let fuses = Fuses(conversation: FuseRate(1, per: .seconds(60)))
        let twice = "return { on = 'message', run = function(message) message:reply('a') message:reply('b') end }"
        let bench = try await RuleBench(
            rules: ["a": twice], configuration: RuleHostConfiguration(policy: PolicyConfiguration(fuses: fuses)))
        try await bench.run { engine in
            try await engine.pause(PauseSubject.pack("acme/photos"), reason: "by hand")
            _ = try await engine.accept([try ConversationEvent.message().new()])
            await engine.idle()
            try await engine.resume(PauseSubject.pack("acme/photos"))
            let free = try await engine.replay(1)
            expectNoDifference(free.invocations.map(\.invocation.state), [.finished])
            _ = try await engine.accept([try ConversationEvent.message("STOP", id: "msg_2").new()])
            await engine.idle()
            let refused = try await engine.replay(1)
            expectNoDifference(refused.invocations.first?.invocation.failure?.code, "opted_out")
        }
        #expect(bench.api.sent.isEmpty)
    }
}
