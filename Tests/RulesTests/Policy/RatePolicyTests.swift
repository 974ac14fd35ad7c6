import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// Rates of what is asked of the API, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct RatePolicyTests {
    private func configuration(_ change: (inout Fuses) -> Void) -> RuleHostConfiguration {
        var fuses = Fuses.none
        change(&fuses)
        return RuleHostConfiguration(policy: PolicyConfiguration(fuses: fuses))
    }

    private static let three = FuseRate(3, per: .seconds(60))

    @Test(arguments: [
        ("conversation:tag { n = i }", "metadata"), ("conversation:increment('n')", "metadata"),
        ("conversation:messages {}", "reads"), ("conversations.list {}", "reads"),
        ("conversations.get('conv_1')", "reads"), ("conversation:typing()", "typing"),
        ("messages.send { to = '+1555010' .. i, number = '+15551234567', body = 'Hi' }", "broadcasts"),
    ])
    func `a rule that asks too much is paused, and goes on once it is resumed`(
        _ command: String, _ fuse: String
    ) async throws {
        let subject = PauseSubject.rule("acme/photos:a")
        let bench = try await RuleBench(
            rules: [
                "a": """
                return { on = 'message', run = function(message)
                  local conversation = message.conversation
                  for i = 1000, 1004 do \(command) end
                end }
                """
            ],
            configuration: configuration {
                $0.metadata = Self.three
                $0.reads = Self.three
                $0.typing = Self.three
                $0.broadcasts = Self.three
            })
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message().new()])
            await engine.idle()
            let held = try #require(try await engine.trace(ofEvent: 1).invocations.first)
            expectNoDifference(held.invocation.state, .held)
            expectNoDifference(held.entries.count { $0.state == .succeeded }, 3)
            let reason = try #require(engine.pauses.first(of: [subject])?.reason)
            #expect(reason.contains("policy.fuses.\(fuse)"))
            try await engine.resume(subject)
            await engine.idle()
            try await expectSame(engine.trace(ofEvent: 1).invocations.first?.invocation.state, .finished)
        }
    }

    @Test(arguments: ["conversation:tag { n = i }", "conversation:typing()"])
    func `what was missed while nothing ran waits for its turn and pauses nothing`(_ command: String) async throws {
        let bench = try await RuleBench(
            rules: [
                "a": """
                return { on = 'message', run = function(message)
                  local conversation = message.conversation
                  for i = 1000, 1004 do \(command) end
                end }
                """
            ],
            configuration: configuration {
                $0.metadata = Self.three
                $0.typing = Self.three
            })
        bench.clock.advance(by: .seconds(3600))
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message().new()])
            await engine.idle()
            let held = try #require(try await engine.trace(ofEvent: 1).invocations.first)
            expectNoDifference(held.invocation.state, .held)
            expectNoDifference(held.entries.count { $0.state == .succeeded }, 3)
            for _ in 1...12 {
                bench.clock.advance(by: .seconds(20))
                await engine.idle()
            }
            try await expectSame(engine.trace(ofEvent: 1).invocations.first?.invocation.state, .finished)
            expectNoDifference(engine.pauses.all, [])
        }
    }

    @Test func `messages to the person whose event it is are no broadcast`() async throws {
        let bench = try await RuleBench(
            rules: [
                "a":
                    "return { on = 'message', run = function(m) for i = 1, 5 do m.conversation:send('n' .. i) end end }"
            ], configuration: configuration { $0.broadcasts = Self.three })
        let trace = try await bench.process(.message())
        expectNoDifference(trace.invocations.first?.invocation.state, .finished)
    }
}
