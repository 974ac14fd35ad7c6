import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// What was held up and goes on all at once, under the rates at which a fuse would blow.
@Suite(.timeLimit(.minutes(3)))
struct CatchingUpTests {
    private static let answer = "return { on = 'message', run = function(message) message.conversation:send('Hi') end }"

    private static func person(_ number: Int) -> String { "+1555\(1_000_000 + number)" }

    private static func event(_ number: Int, _ body: String = "Hello", at time: Timestamp = noon) throws -> NewEvent {
        var event = ConversationEvent.message(
            body, id: Message.ID("msg_\(number)_\(body)"), in: Conversation.ID("conv_\(number)"), at: time)
        event.conversation.participant = person(number)
        event.message?.fromNumber = person(number)
        return try event.new()
    }

    /// When sends went out, in seconds from noon.
    private final class Times: Sendable {
        private let times = Mutex<[TimeInterval]>([])
        var all: [TimeInterval] { times.withLock { $0 } }

        func watch(_ bench: RuleBench) {
            bench.api.change { state in
                state.beforeSend = { [clock = bench.clock] _ in
                    let time = clock.date.timeIntervalSince(noon.date)
                    self.times.withLock { $0.append(time) }
                }
            }
        }

        /// The most in any window.
        func most(in period: TimeInterval) -> Int {
            let all = all
            var first = 0
            var most = 0
            for (index, time) in all.enumerated() {
                while all[first] <= time - period { first += 1 }
                most = max(most, index - first + 1)
            }
            return most
        }
    }

    private func bench(_ policy: PolicyConfiguration) async throws -> RuleBench {
        try await RuleBench(rules: ["a": Self.answer], configuration: RuleHostConfiguration(policy: policy))
    }

    @Test func `what was missed while nothing ran goes out under the rate too, and blows no fuse`() async throws {
        let bench = try await bench(PolicyConfiguration())
        let times = Times()
        times.watch(bench)
        bench.clock.advance(by: .seconds(3600))
        try await bench.run { engine in
            let count = 700
            _ = try await engine.accept(try (1...count).map { try Self.event($0) })
            await engine.idle()
            for _ in 1...40 where times.all.count < count {
                bench.clock.advance(by: .seconds(10))
                await engine.idle()
            }
            expectNoDifference(engine.pauses.all, [])
        }
        expectNoDifference(times.all.count, 700)
        #expect(times.most(in: 60) <= 540)
    }

    @Test func `5,000 sends that quiet hours held go out by themselves, under the rate, and the newest state counts`()
        async throws
    {
        let quiet = try QuietHours(from: "11:00", to: "13:00", zone: "UTC", answerWindow: .zero)
        let bench = try await bench(PolicyConfiguration(quietHours: quiet))
        let times = Times()
        times.watch(bench)
        try await bench.run { engine in
            let count = 5000
            _ = try await engine.accept(try (1...count).map { try Self.event($0) })
            await engine.idle()
            #expect(times.all.isEmpty)
            // One before the release, one while it is under way.
            _ = try await engine.accept([try Self.event(1, "STOP")])
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            expectNoDifference(times.all.count, 540)
            _ = try await engine.accept([try Self.event(count, "STOP", at: Timestamp(bench.clock.date))])
            var seconds = 0
            while times.all.count < count - 2, seconds < 1200 {
                seconds += 1
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
            expectNoDifference(times.all.count, count - 2)
            expectNoDifference(engine.pauses.all, [])
            #expect(times.most(in: 60) <= 600, "\(times.most(in: 60))")
            #expect(seconds < 600, "\(seconds)")
            let sent = Set(bench.api.sent.compactMap(\.toNumber))
            #expect(!sent.contains(Self.person(1)) && !sent.contains(Self.person(count)))
        }
    }

    @Test func `what a pause held goes out by itself after the resume, and a further pause holds what is left`()
        async throws
    {
        let fuses = Fuses(rule: FuseRate(20, per: .seconds(60)), number: nil)
        let bench = try await bench(PolicyConfiguration(fuses: fuses))
        let late = "return { on = 'message', run = function(m) sleep('1h') m.conversation:send('Hi') end }"
        try bench.folder.write(late, to: "rules/a.lua")
        try await bench.load()
        let times = Times()
        times.watch(bench)
        try await bench.run { engine in
            _ = try await engine.accept(try (1...100).map { try Self.event($0) })
            await engine.idle()
            let subject = PauseSubject.rule("acme/photos:a")
            try await engine.pause(subject, reason: "by hand")
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            try await expectSame(engine.resume(subject), 100)
            await engine.idle()
            expectNoDifference(times.all.count, 18)
            try await engine.pause(subject, reason: "again")
            bench.clock.advance(by: .seconds(600))
            await engine.idle()
            expectNoDifference(times.all.count, 18)
            try await engine.resume(subject)
            for _ in 1...600 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
            expectNoDifference(times.all.count, 100)
            expectNoDifference(engine.pauses.all, [])
            #expect(times.most(in: 60) <= 20, "\(times.most(in: 60))")
        }
    }

    @Test func `after an outage one person's many messages are answered at the rate, and nothing fails`() async throws {
        let bench = try await bench(PolicyConfiguration(fuses: Fuses(conversation: FuseRate(5, per: .seconds(60)))))
        let times = Times()
        times.watch(bench)
        try await bench.run { engine in
            bench.api.change {
                $0.failures[.send] = Array(repeating: APIError(.unavailable, "connection refused"), count: 8)
            }
            for number in 1...20 {
                _ = try await engine.accept([
                    try ConversationEvent.message(id: Message.ID("msg_\(number)")).new()
                ])
                await engine.idle()
            }
            for _ in 1...1200 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
            expectNoDifference(bench.api.sent.count, 20)
            try await expectSame(Set(engine.invocations().map(\.state)), [.finished])
            expectNoDifference(engine.pauses.all, [])
            #expect(times.most(in: 60) <= 5, "\(times.most(in: 60))")
        }
    }
}
