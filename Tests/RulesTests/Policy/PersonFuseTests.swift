import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// What happens to a rule that sends one person too much, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct PersonFuseTests {
    private static let heart = "return { on = 'message', run = function(message) message.conversation:send('Hi') end }"

    private func bench(_ rules: [String: String] = ["a": heart], fuse: Int = 3) async throws -> RuleBench {
        let fuses = Fuses(conversation: FuseRate(fuse, per: .seconds(60)))
        return try await RuleBench(
            rules: rules, configuration: RuleHostConfiguration(policy: PolicyConfiguration(fuses: fuses)))
    }

    private func from(
        _ person: String, _ id: String, _ bench: RuleBench, _ body: String = "Hello"
    ) throws -> NewEvent {
        var event = ConversationEvent.message(
            body, id: Message.ID(id), in: Conversation.ID("conv_\(person)"), at: Timestamp(bench.clock.date))
        event.conversation.participant = person
        event.message?.fromNumber = person
        return try event.new()
    }

    private func write(_ count: Int, as person: String, _ name: String, _ bench: RuleBench, _ engine: Engine)
        async throws
    {
        for number in 1...count {
            _ = try await engine.accept([try from(person, "\(name)_\(number)", bench)])
            await engine.idle()
        }
    }

    private static let stranger = "+15550000666"
    private static let customer = "+15550000001"

    private func sent(to person: String, _ bench: RuleBench) -> Int { bench.api.sent.count { $0.toNumber == person } }

    @Test func `a stranger who floods a rule turns it off for nobody else`() async throws {
        let bench = try await bench()
        try await bench.run { engine in
            try await write(8, as: Self.stranger, "s", bench, engine)
            try await write(1, as: Self.customer, "c", bench, engine)
            expectNoDifference(engine.pauses.all, [])
            expectNoDifference(sent(to: Self.stranger, bench), 3)
            expectNoDifference(sent(to: Self.customer, bench), 1)
            let codes = try await engine.invocations().compactMap(\.failure?.code)
            expectNoDifference(codes, Array(repeating: "fuse_blown", count: 5))
            expectNoDifference(
                bench.host.fuseStops,
                [
                    RuleHost.FuseStop(
                        rule: "acme/photos:a", participant: Self.stranger, until: noon.date.addingTimeInterval(60),
                        times: 1)
                ])
        }
    }

    @Test func `it is over once the window has passed, lasts longer each time, and nothing is sent later`() async throws
    {
        let bench = try await bench()
        try await bench.run { engine in
            try await write(8, as: Self.stranger, "a", bench, engine)
            bench.clock.advance(by: .seconds(60))
            await engine.idle()
            expectNoDifference(sent(to: Self.stranger, bench), 3)
            try await write(8, as: Self.stranger, "b", bench, engine)
            expectNoDifference(sent(to: Self.stranger, bench), 6)
            bench.clock.advance(by: .seconds(119))
            try await write(1, as: Self.stranger, "c", bench, engine)
            expectNoDifference(sent(to: Self.stranger, bench), 6)
            bench.clock.advance(by: .seconds(1))
            try await write(1, as: Self.stranger, "d", bench, engine)
            expectNoDifference(sent(to: Self.stranger, bench), 7)
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            expectNoDifference(sent(to: Self.stranger, bench), 7)
        }
    }

    @Test func `another rule goes on to write to the person`() async throws {
        let quiet = "return { on = 'message', when = { body = 'help' }, run = function(m) m:reply('Yes?') end }"
        let loud = "return { on = 'message', when = { body = 'Hello' }, run = function(m) m:reply('Hi') end }"
        let bench = try await bench(["loud": loud, "quiet": quiet])
        try await bench.run { engine in
            try await write(6, as: Self.stranger, "s", bench, engine)
            _ = try await engine.accept([try from(Self.stranger, "help", bench, "help")])
            await engine.idle()
        }
        expectNoDifference(bench.api.sent.map(\.body), ["Hi", "Hi", "Hi", "Yes?"])
    }

    @Test func `whichever way they are written to, it is one person`() async throws {
        let body = """
            for number = 1, 9 do
              local ok, problem = pcall(messages.send,
                { to = number % 2 == 0 and "(555) 000-9999" or "+15550009999", number = "+15551234567", body = "Hi" })
              if not ok then log.info(problem.code) break end
            end
            """
        let bench = try await bench(["a": "return { on = 'message', run = function()\n\(body)\nend }"])
        let trace = try await bench.process(.message())
        expectNoDifference(bench.api.sent.map(\.toNumber), Array(repeating: "+15550009999", count: 3))
        expectNoDifference(trace.invocations[0].logged, ["fuse_blown"])
    }

    @Test(arguments: [
        "return { on = 'message', run = function(message) while true do end end }",
        "return { on = 'message', matches = function() while true do end end, run = function() end }",
    ])
    func `a rehearsal counts nowhere, a rule that is stopped in it neither`(_ endless: String) async throws {
        var configuration = RuleHostConfiguration(
            policy: PolicyConfiguration(fuses: Fuses(stops: FuseRate(1, per: .seconds(600)))))
        configuration.limits.cpu = .milliseconds(5)
        let bench = try await RuleBench(rules: ["a": endless], configuration: configuration)
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message().new()])
            await engine.idle()
            for _ in 1...3 { _ = try await engine.replay(1) }
            expectNoDifference(engine.pauses.all, [])
        }
    }
}
