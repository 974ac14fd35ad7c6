import Conversations
import CustomDump
import DurableExecution
import Foundation
import Testing

@testable import Rules

@Suite struct EventContentsTests {
    private let contents = EventContents()

    private func event(_ payload: Data) -> Event {
        Event(
            sequence: 1, identity: "message:msg_1", queue: "conv_1", kind: "message", source: "webhook",
            payload: payload, occurredAt: noon.date, acceptedAt: noon.date)
    }

    @Test func `a payload that was replaced is read anew`() throws {
        let texts = try ["one", "two", "one"].map { text in
            try contents.content(of: event(try ConversationEvent.message(text).new().payload)).text
        }
        expectNoDifference(texts, ["one", "two", "one"])
    }

    @Test func `a payload that can't be read fails for good`() {
        let error = #expect(throws: EngineFailure.self) { try contents.content(of: event(Data())) }
        expectNoDifference(error?.retryable, false)
    }
}
