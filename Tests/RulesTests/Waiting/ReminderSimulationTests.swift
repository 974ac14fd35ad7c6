import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// A rule that asks, waits, reminds and waits again; a person who answers at any instant, or never; quiet hours, pauses, an
/// API that is down, and restarts.
///
/// Every choice follows from the seed, which is the test's argument.
@Suite(.timeLimit(.minutes(3)))
struct ReminderSimulationTests {
    private static let rule = """
        return {
          on = "message",
          when = { body = "order" },
          mode = "single",
          run = function(message)
            local conversation = message.conversation
            conversation:send("Which?")
            local reply = conversation:wait_reply { timeout = "2h" }
            if not reply then
              conversation:send("Still there?", { unless_reply = true })
              reply = conversation:wait_reply { timeout = "2h" }
            end
            log.info(reply and reply.body or "none")
          end,
        }
        """

    /// Steps of the clock are longer than the time in which a command is tried again.
    private static let patient: @Sendable (inout EngineConfiguration) -> Void = {
        $0.retry.attemptLimit = .max
        $0.retry.timeLimit = .seconds(1_000_000)
    }

    private static let subject = PauseSubject.rule("acme/photos:a")

    /// What happened, in order, and what there is to decide.
    private final class Stage: Sendable {
        struct State {
            var story: [String] = []
            var random: SeededGenerator
            /// Whether the person answers while the next message is on its way to them.
            var answersInSend = false
            var answeredAt: Date?
        }

        let state: Mutex<State>
        let clock = ManualClock()
        let api = FakeAPI()

        init(seed: Int) { state = Mutex(State(random: SeededGenerator(seed: UInt64(seed)))) }

        func tell(_ text: String) { state.withLock { $0.story.append(text) } }
        var story: [String] { state.withLock { $0.story } }

        func roll(_ count: Int) -> Int { state.withLock { Int.random(in: 0..<count, using: &$0.random) } }

        func answer(_ engine: Engine) async throws {
            guard !story.contains("answer") else { return }
            let now = Timestamp(clock.date)
            _ = try await engine.accept([try ConversationEvent.message("ORD-1", id: "msg_answer", at: now).new()])
            state.withLock { $0.answeredAt = now.date }
            tell("answer")
        }
    }

    private static func policy(_ stage: Stage) throws -> PolicyConfiguration {
        guard stage.roll(3) > 0 else { return PolicyConfiguration() }
        let hours = 12 + stage.roll(4)
        return PolicyConfiguration(
            quietHours: try QuietHours(
                from: "\(hours):\(10 + stage.roll(50))", to: "\(hours + 1 + stage.roll(3)):\(10 + stage.roll(50))",
                zone: "UTC", answerWindow: .seconds(stage.roll(2) * 600)))
    }

    @Test(arguments: 0..<60)
    func `no answer is lost, and nobody is reminded of what they answered`(seed: Int) async throws {
        let stage = Stage(seed: seed)
        let configuration = RuleHostConfiguration(policy: try Self.policy(stage))
        var bench = try await RuleBench(
            rules: ["a": Self.rule], api: stage.api, configuration: configuration, clock: stage.clock)
        _ = try await bench.makeEngine().accept([try ConversationEvent.message("order").new()])
        var minutesLeft = 10 * 60
        while minutesLeft > 0 {
            minutesLeft = try await bench.run(configuring: Self.patient) { engine in
                watch(stage, engine)
                return try await live(stage, engine, minutesLeft)
            }
            // Between two processes time passes, and the person may answer.
            let pause = stage.roll(90)
            stage.clock.advance(by: .seconds(pause * 60))
            minutesLeft -= pause
            bench = try await RuleBench(
                api: stage.api, configuration: configuration, sharing: bench, clock: stage.clock)
            try await bench.load()
            if stage.roll(4) == 0 { try await stage.answer(bench.makeEngine()) }
        }
        let trace = try await finish(bench, stage)
        audit(trace, stage)
    }

    private func watch(_ stage: Stage, _ engine: Engine) {
        stage.api.change { state in
            state.beforeSend = { message in
                stage.tell(message.body)
                let answers = stage.state.withLock { state in
                    defer { state.answersInSend = false }
                    return state.answersInSend
                }
                if answers { try? await stage.answer(engine) }
            }
        }
    }

    /// One life of the process.
    private func live(_ stage: Stage, _ engine: Engine, _ minutes: Int) async throws -> Int {
        var left = minutes
        for _ in 0..<(1 + stage.roll(12)) where left > 0 {
            await engine.idle()
            switch stage.roll(12) {
            case 0: try await engine.pause(Self.subject, reason: "by hand")
            case 1, 2: if engine.pauses[Self.subject] != nil { try await engine.resume(Self.subject) }
            case 3:
                let count = 1 + stage.roll(8)
                stage.api.change {
                    $0.failures[.send] = Array(repeating: APIError(.unavailable, "connection refused"), count: count)
                }
            case 4: try await stage.answer(engine)
            case 5: stage.state.withLock { $0.answersInSend = true }
            default:
                // Without waiting for what goes on at that moment.
                let step = 1 + stage.roll(40)
                stage.clock.advance(by: .seconds(step * 60 - stage.roll(60)))
                left -= step
                if stage.roll(8) == 0 { try await stage.answer(engine) }
            }
        }
        await engine.idle()
        return left
    }

    /// Takes all obstacles away and lets the rule come to its end.
    private func finish(_ bench: RuleBench, _ stage: Stage) async throws -> InvocationTrace {
        stage.api.change { $0.failures = [:] }
        return try await bench.run(configuring: Self.patient) { engine in
            watch(stage, engine)
            await engine.idle()
            if engine.pauses[Self.subject] != nil { try await engine.resume(Self.subject) }
            for _ in 0..<240 {
                stage.clock.advance(by: .seconds(300))
                await engine.idle()
            }
            return try #require(try await engine.trace(ofEvent: 1).invocations.first)
        }
    }

    private func audit(_ trace: InvocationTrace, _ stage: Stage) {
        let story = stage.story
        expectNoDifference(trace.invocation.state, .finished, trace.invocation.reason ?? "")
        // A refused connection is told too; nothing was sent by it.
        let sent = stage.api.sent.map(\.body)
        expectNoDifference(sent.count { $0 == "Which?" }, 1, "\(story)")
        #expect(sent.count { $0 == "Still there?" } <= 1, "\(story)")
        guard let answer = story.firstIndex(of: "answer") else {
            return expectNoDifference(trace.logged, ["none"], "\(story)")
        }
        #expect(!story[answer...].contains("Still there?"), "\(story)")
        guard trace.logged != ["ORD-1"] else { return }
        // Then it came too late: after the last wait's time.
        let wait = trace.entries.last { $0.effect == "wait" }
        let deadline = wait.map { $0.intendedAt.addingTimeInterval(7200) } ?? .distantFuture
        #expect(stage.state.withLock { $0.answeredAt }.map { $0 > deadline } ?? false, "\(story)")
    }
}
