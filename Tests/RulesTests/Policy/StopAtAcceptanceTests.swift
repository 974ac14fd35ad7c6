import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// A STOP counts from the moment in which its event is accepted, whatever holds up its turn.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct StopAtAcceptanceTests {
    private static func rule(_ body: String) -> String {
        "return { on = 'message', when = { body = 'go' }, run = function(message)\n\(body)\nend }"
    }

    private func bench(_ body: String, _ policy: PolicyConfiguration = PolicyConfiguration(fuses: .none)) async throws
        -> RuleBench
    {
        try await RuleBench(rules: ["a": Self.rule(body)], configuration: RuleHostConfiguration(policy: policy))
    }

    private static func stop(_ id: Message.ID? = "msg_stop", at time: Timestamp = noon) throws -> NewEvent {
        try ConversationEvent.message("STOP", id: id, at: time).new(delivery: "dlv_stop")
    }

    /// The same person's in another conversation.
    private static func go(_ number: Int) -> ConversationEvent {
        .message("go", id: Message.ID("msg_\(number)"), in: Conversation.ID("conv_\(number)"))
    }

    private static let down = APIError(.unavailable, "connection refused")

    /// What became of the runs, by their failures' codes or else their states.
    private func ends(_ engine: Engine) async throws -> [String] {
        try await engine.invocations().map { $0.failure?.code ?? $0.state.rawValue }.sorted()
    }

    @Test func `a send held for a dead API is not sent once it is back, while the STOP stands behind another message`()
        async throws
    {
        let bench = try await bench("message:reply('Hi')")
        bench.api.change { $0.failures[.send] = Array(repeating: Self.down, count: 5) }
        try await bench.run { engine in
            for number in 1...5 {
                _ = try await engine.accept([
                    try Self.go(number).new()
                ])
            }
            await engine.idle()
            // Without an id it has to be looked for, which can't be done now; STOP waits behind it.
            let busy = APIError(.rateLimited, "slow down")
            bench.api.change { $0.failures[.messages] = Array(repeating: busy, count: 1000) }
            _ = try await engine.accept([try ConversationEvent.message("hello?", id: nil).new(delivery: "dlv_1")])
            await engine.idle()
            _ = try await engine.accept([try Self.stop(nil)])
            for _ in 1...60 {
                bench.clock.advance(by: .seconds(10))
                await engine.idle()
            }
            try await expectSame(engine.event(7)?.state, .pending)
            try await expectSame(ends(engine), Array(repeating: "opted_out", count: 5))
        }
        #expect(bench.api.sent.isEmpty)
    }

    @Test(arguments: ["sleep('1h')", "message.conversation:wait_reply { timeout = '1h', body = 'never' }"])
    func `what falls due at a restart is not sent after a STOP that came while nothing ran`(_ wait: String)
        async throws
    {
        let bench = try await bench("\(wait)\nmessage:reply('Are you there?')")
        try await bench.process(.message("go"))
        let engine = bench.makeEngine()
        bench.clock.advance(by: .seconds(7200))
        _ = try await engine.accept([try Self.stop(at: noon.advanced(by: .seconds(7200)))])
        let next = try await RuleBench(api: bench.api, sharing: bench)
        try await next.load()
        next.clock.advance(by: .seconds(7200))
        try await next.run { engine in
            await engine.idle()
            try await expectSame(ends(engine), ["opted_out"])
        }
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `what was to be tried again is not after a STOP`() async throws {
        let bench = try await bench("message:reply('Hi')")
        bench.api.fail(.send, APIError(.rateLimited, "slow down", retryAfter: .seconds(60)))
        try await bench.run { engine in
            _ = try await engine.accept([try ConversationEvent.message("go").new()])
            await engine.idle()
            try await expectSame(ends(engine), ["retrying"])
            _ = try await engine.accept([try Self.stop()])
            bench.clock.advance(by: .seconds(120))
            await engine.idle()
            try await expectSame(ends(engine), ["opted_out"])
        }
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `what quiet hours held is not sent after a STOP of the night`() async throws {
        let quiet = try QuietHours(from: "11:00", to: "13:00", zone: "UTC", answerWindow: .zero)
        let bench = try await bench("message:reply('Hi')", PolicyConfiguration(quietHours: quiet, fuses: .none))
        try await bench.process(.message("go"))
        _ = try await bench.makeEngine().accept([try Self.stop()])
        try await bench.run { engine in
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            try await expectSame(ends(engine), ["opted_out"])
        }
        #expect(bench.api.sent.isEmpty)
    }

    @Test(arguments: [
        "message:reply('two')", "messages.send { to = '(555) 987-6543', number = '+1 555 123 4567', body = 'two' }",
        "message:react('love')",
    ])
    func `the second effect of a run under way is not begun after a STOP`(_ second: String) async throws {
        let bench = try await bench("message:reply('one')\n\(second)")
        let engine = bench.makeEngine()
        bench.api.change { state in
            state.beforeSend = { _ in _ = try? await engine.accept([try Self.stop()]) }
        }
        try await Self.run(engine) {
            _ = try await engine.accept([try ConversationEvent.message("go").new()])
            await engine.idle()
            try await expectSame(ends(engine), ["opted_out"])
        }
        expectNoDifference(bench.api.sent.map(\.body), ["one"])
        #expect(!bench.api.calls.contains { $0.hasPrefix("react") })
    }

    @Test func `a send that waits for its turn behind its intent is not begun after a STOP`() async throws {
        let bench = try await bench("message:reply('same')")
        let engine = bench.makeEngine()
        // Two conversations of one person: the second send waits until the first is done, as it says the same.
        bench.api.change { state in
            state.beforeSend = { _ in
                while (try? await engine.trace(ofEvent: 2).invocations.first?.entries.first?.state) != .intended {
                    await Task.yield()
                }
                _ = try? await engine.accept([try Self.stop()])
            }
        }
        try await Self.run(engine) {
            _ = try await engine.accept([
                try ConversationEvent.message("go").new(),
                try ConversationEvent.message("go", id: "msg_2", in: "conv_2").new(),
            ])
            await engine.idle()
        }
        expectNoDifference(bench.api.sent.map(\.body), ["same"])
    }

    private static func run(_ engine: Engine, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            try await body()
            engine.shutdown()
            try await group.waitForAll()
        }
    }

    @Test func `a STOP that is too old to be run counts, and did so all the time`() async throws {
        let bench = try await bench("sleep('90m')\nmessage:reply('Hi')")
        try await bench.process(.message("go"))
        _ = try await bench.makeEngine().accept([try Self.stop(at: noon.advanced(by: .seconds(60)))])
        bench.clock.advance(by: .seconds(5400))
        try await bench.run { configuration in
            configuration.maxAge = .seconds(1800)
        } _: { engine in
            await engine.idle()
            try await expectSame(engine.event(2)?.state, .expired)
            try await expectSame(ends(engine), ["opted_out"])
        }
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `a send that waits for a connection does not leave after a STOP`() async throws {
        let bench = try await bench("message:reply('Hi')")
        try await bench.run { engine in
            bench.api.change { state in
                state.beforeDeparture = { _ = try? await engine.accept([try Self.stop()]) }
            }
            _ = try await engine.accept([try Self.go(1).new()])
            await engine.idle()
            try await expectSame(ends(engine), ["opted_out"])
        }
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `of sends that are let go in bursts, those after the STOP are not made`() async throws {
        let bench = try await bench("message:reply('Hi')")
        bench.api.change { $0.failures[.send] = Array(repeating: Self.down, count: 100) }
        let engine = bench.makeEngine {
            $0.breaker.burst = 3
            $0.parallelism = 1
        }
        let sent = Mutex(0)
        try await Self.run(engine) {
            for number in 1...12 {
                _ = try await engine.accept([
                    try Self.go(number).new()
                ])
            }
            await engine.idle()
            bench.api.change { state in
                state.failures[.send] = []
                state.beforeSend = { _ in
                    let count = sent.withLock {
                        $0 += 1
                        return $0
                    }
                    if count == 4 { _ = try? await engine.accept([try Self.stop()]) }
                }
            }
            for _ in 1...60 {
                bench.clock.advance(by: .seconds(10))
                await engine.idle()
            }
            let ends = try await ends(engine)
            expectNoDifference(ends.filter { $0 == "opted_out" }.count, 8)
            expectNoDifference(ends.filter { $0 == "finished" }.count, 4)
        }
        expectNoDifference(bench.api.sent.count, 4)
    }

    @Test func `START counts from its acceptance too, and the later word by its own time stays`() async throws {
        let bench = try await bench("message:reply('Hi')")
        let engine = bench.makeEngine()
        let start = noon.advanced(by: .seconds(20))
        _ = try await engine.accept([try ConversationEvent.message("START", id: "msg_start", at: start).new()])
        _ = try await engine.accept([try Self.stop(at: noon.advanced(by: .seconds(10)))])
        try await expectSame(bench.host.optOuts(of: "+15559876543").map(\.isOut), [false])
        _ = try await engine.accept([
            try ConversationEvent.message("stop", id: "msg_again", at: noon.advanced(by: .seconds(30))).new()
        ])
        try await expectSame(bench.host.optOuts(of: "+1 (555) 987-6543").map(\.isOut), [true])
    }

    @Test func `what an earlier version kept still counts, until a later word`() async throws {
        let bench = try await bench("message:reply('Hi')")
        let record = #"{"+15551234567":{"meaning":"stop","at":"2025-01-15T11:00:00Z","word":"Stop."}}"#
        try await bench.makeEngine().setStoredValue(scope: "#opt_out", key: "+15559876543", to: Data(record.utf8))
        let trace = try await bench.process(.message("go"))
        expectNoDifference(trace.invocations.map(\.invocation.failure?.code), ["opted_out"])
        try await bench.process(.message("START", id: "msg_2"))
        let next = try await RuleBench(api: bench.api, sharing: bench)
        try await next.load()
        try await next.process(.message("go", id: "msg_3"))
        expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
    }

    @Test func `whoever wrote STOP to one number is known whichever way their address is written`() async throws {
        let bench = try await RuleBench()
        let engine = bench.makeEngine()
        var event = ConversationEvent.message("STOP")
        event.conversation.participant = "1 (555) 987-6543"
        event.message?.fromNumber = "555.987.6543"
        _ = try await engine.accept([try event.new()])
        let found = try await bench.host.optOuts(of: "+15559876543")
        expectNoDifference(found.map(\.participant), ["+15559876543"])
    }
}
