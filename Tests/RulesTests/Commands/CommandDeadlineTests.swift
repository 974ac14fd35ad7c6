import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

@Suite(.timeLimit(.minutes(1)))
struct CommandDeadlineTests {
    @Test func `a command that outlasts its deadline ends, and may be tried again if that is safe`() async throws {
        let clock = ManualClock()
        let api = FakeAPI(beforeUpdate: {
            await clock.sleepers(atLeast: 1)
            clock.advance(by: .seconds(61))
            // Until the command is cancelled.
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in stream {}
            continuation.finish()
        })
        api.change { $0.conversations["conv_1"] = .sample() }
        let host = RuleHost(
            api: api, book: RuleBook(), loader: PackLoader(), media: NoMedia(), configuration: RuleHostConfiguration(),
            clock: clock, now: { clock.date }, logger: .silent)
        let command = Command(
            name: "conversation.tag", input: Data(#"{"conversation_id":"conv_1","fields":{"a":1}}"#.utf8),
            effect: .repeatable)
        let failure = await #expect(throws: CommandFailure.self) {
            try await host.perform(command, in: Self.context)
        }
        expectNoDifference(failure?.code, "deadline")
        expectNoDifference(failure?.retryable, true)
        expectNoDifference(failure?.outcomeUnknown, false)
    }

    @Test func `a command that waits for others all the time is put off, and nobody takes the API for down`()
        async throws
    {
        let clock = ManualClock()
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let api = FakeAPI(beforeUpdate: {
            begin.finish()
            // A hot conversation, where cancelling doesn't help.
            await Task { for await _ in released {} }.value
        })
        api.change { $0.conversations["conv_1"] = .sample() }
        let host = RuleHost(
            api: api, book: RuleBook(), loader: PackLoader(), media: NoMedia(), configuration: RuleHostConfiguration(),
            clock: clock, now: { clock.date }, logger: .silent)
        let command = Command(
            name: "conversation.tag", input: Data(#"{"conversation_id":"conv_1","fields":{"a":1}}"#.utf8),
            effect: .repeatable)
        let first = Task { try await host.perform(command, in: Self.context) }
        for await _ in begun {}
        let second = Task { try await host.perform(command, in: Self.context) }
        await clock.sleepers(atLeast: 2)
        clock.advance(by: .seconds(61))
        let failure = await #expect(throws: CommandFailure.self) { try await second.value }
        expectNoDifference(failure?.hold?.until, clock.date.addingTimeInterval(1))
        expectNoDifference(failure?.upstreamDown, false)
        release.finish()
        _ = await first.result
    }

    private static let context = CommandContext(
        invocation: Invocation(
            id: "inv_1", event: 1, queue: "conv_1", rule: "acme/photos:a", version: "v", createdAt: noon.date,
            updatedAt: noon.date),
        event: Event(
            sequence: 1, identity: "message:msg_1", queue: "conv_1", kind: "message", source: "webhook",
            payload: Data(), occurredAt: noon.date, acceptedAt: noon.date),
        position: 0, attempt: 1, checkpoint: nil, save: { _, _ in })
}
