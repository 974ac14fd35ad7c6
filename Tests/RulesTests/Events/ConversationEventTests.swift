import Conversations
import CustomDump
import Foundation
import Lua
import Testing

@testable import Rules

@Suite struct ConversationEventTests {
    private func event(_ text: String) throws -> ConversationEvent? {
        ConversationEvent(try WebhookEvent(parsing: Data(text.utf8)))
    }

    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

    /// Source: AgentPhone guide "Webhooks", `agent.message`, before it had message ids.
    @Test func `a message without id`() throws {
        let event = try event(
            """
            { "event": "agent.message", "channel": "sms", "timestamp": "2025-01-15T12:00:00Z", "agentId": "agt_abc123",
              "data": { "conversationId": "conv_def456", "numberId": "num_xyz789", "from": "+15559876543",
                "to": "+15551234567", "message": "Hi", "mediaUrl": null, "direction": "inbound",
                "receivedAt": "2025-01-15T12:00:00Z" },
              "conversationState": { "customerName": "Jane Doe" }, "recentHistory": [] }
            """)
        expectNoDifference(
            event,
            ConversationEvent(
                kind: .message,
                conversation: ConversationEvent.Snapshot(
                    id: "conv_def456", participant: "+15559876543", number: "+15551234567", numberID: "num_xyz789",
                    agent: "agt_abc123", metadata: ["customerName": "Jane Doe"], hasMetadata: true),
                message: ConversationEvent.MessageFields(
                    id: nil, body: "Hi", fromNumber: "+15559876543", toNumber: "+15551234567", direction: .inbound,
                    channel: .sms, attachments: [], receivedAt: try time("2025-01-15T12:00:00Z"))))
    }

    @Test func `a message with id, several media, an address of e-mail and an unknown channel`() throws {
        let event = try event(
            """
            { "event": "agent.message", "channel": "telepathy", "timestamp": "2026-06-01T10:04:00.123Z", "agentId": null,
              "data": { "conversationId": "c", "numberId": "num_1", "messageId": "msg_3", "from": "jane@example.com",
                "to": "+15551234567", "message": "", "mediaUrl": "https://e.com/1.png",
                "mediaUrls": ["https://e.com/1.png", "https://e.com/2"], "senderIdentifier": "joe@example.com",
                "direction": "inbound", "receivedAt": "2026-06-01T10:04:00.100Z" },
              "conversationState": null }
            """)
        expectNoDifference(
            event,
            ConversationEvent(
                kind: .message,
                conversation: ConversationEvent.Snapshot(
                    id: "c", participant: "jane@example.com", number: "+15551234567", numberID: "num_1", agent: nil,
                    metadata: nil, hasMetadata: true),
                message: ConversationEvent.MessageFields(
                    id: "msg_3", body: "", fromNumber: "jane@example.com", toNumber: "+15551234567",
                    direction: .inbound, channel: Channel(rawValue: "telepathy"),
                    attachments: [
                        ConversationEvent.Attachment(url: "https://e.com/1.png"),
                        ConversationEvent.Attachment(url: "https://e.com/2"),
                    ], receivedAt: try time("2026-06-01T10:04:00.1Z"), senderIdentifier: "joe@example.com")))
        #expect(event?.sender == "joe@example.com")
    }

    @Test func `an outbound message has its participant on the other side`() throws {
        let event = try event(
            """
            { "event": "agent.message", "channel": "sms",
              "data": { "conversationId": "c", "from": "+15551234567", "to": "+15559876543", "message": "Hi",
                "direction": "outbound", "receivedAt": "2025-01-15T12:00:00Z" } }
            """)
        #expect(event?.conversation.participant == "+15559876543")
        #expect(event?.conversation.number == "+15551234567")
    }

    /// Source: AgentPhone's chat SDK, fixture of a reaction: no state, and no number.
    @Test func `a reaction doesn't know metadata or number`() throws {
        let event = try event(
            """
            { "event": "agent.reaction", "channel": "imessage", "timestamp": "2025-06-01T10:04:00Z", "agentId": "agt_1",
              "data": { "conversationId": "conv_1", "numberId": "num_1", "reactionType": "love",
                "fromNumber": "+15559876543", "direction": "inbound", "messageId": "msg_3", "messageBody": "Hi",
                "messageMediaUrl": null, "createdAt": "2025-06-01T10:04:00Z" } }
            """)
        expectNoDifference(
            event,
            ConversationEvent(
                kind: .reaction,
                conversation: ConversationEvent.Snapshot(
                    id: "conv_1", participant: "+15559876543", number: "", numberID: "num_1", agent: "agt_1",
                    metadata: nil, hasMetadata: false),
                reaction: ConversationEvent.ReactionFields(
                    reactionType: .love, fromNumber: "+15559876543", direction: .inbound, channel: .imessage,
                    messageID: "msg_3", messageBody: "Hi", createdAt: try time("2025-06-01T10:04:00Z"))))
    }

    @Test func `a reaction with state brings it`() throws {
        let event = try event(
            """
            { "event": "agent.reaction", "channel": "imessage",
              "data": { "conversationId": "conv_1", "reactionType": "🎉", "fromNumber": "+15559876543",
                "messageId": "msg_3", "createdAt": "2025-06-01T10:04:00Z" }, "conversationState": { "a": 1 } }
            """)
        #expect(event?.conversation.metadata == ["a": 1])
        #expect(event?.conversation.hasMetadata == true)
        #expect(event?.reaction?.reactionType == ReactionType(rawValue: "🎉"))
    }

    @Test func `an ended call has a queue of its own and all its data`() throws {
        let event = try #require(
            try event(
                """
                { "event": "agent.call_ended", "channel": "voice", "agentId": "agt_1",
                  "data": { "callId": "call_1", "numberId": "num_1", "from": "+15559876543", "to": "+15551234567",
                    "direction": "web", "endedAt": "2025-01-15T14:05:00Z", "durationSeconds": 300,
                    "contact": { "phoneNumber": "+15559876543" }, "summary": "An order",
                    "transcript": [{ "role": "user", "content": "Hi" }] } }
                """))
        #expect(event.conversation.id == "call:call_1")
        #expect(event.direction == Direction(rawValue: "web"))
        #expect(event.occurredAt == Timestamp("2025-01-15T14:05:00Z"))
        #expect(event.text == "An order")
        guard case .instance("call", let fields) = event.ruleArgument else {
            Issue.record("\(event.ruleArgument)")
            return
        }
        #expect(fields["duration_seconds"] == .integer(300))
        #expect(fields["contact"] == .object(["phone_number": .string("+15559876543")]))
        #expect(fields["transcript"] == .array([.object(["role": .string("user"), "content": .string("Hi")])]))
    }

    @Test(arguments: [
        #"{ "event": "agent.message", "channel": "voice", "data": { "callId": "c", "transcript": "Hi" } }"#,
        #"{ "event": "agent.contact_shared", "data": { "anything": 1 } }"#, #"{ "event": "message.received" }"#,
    ])
    func `rules see no voice turns and no unknown events`(_ text: String) throws {
        #expect(try event(text) == nil)
    }

    @Test func `a polled message is what the webhook tells, but for the metadata`() throws {
        let polled = ConversationEvent(.sample(media: ["https://e.com/1.png"]), in: .sample(metadata: ["a": 1]))
        var told = ConversationEvent.message(media: ["https://e.com/1.png"])
        told.conversation.hasMetadata = false
        told.message?.attachments = [ConversationEvent.Attachment(url: "https://e.com/1.png")]
        expectNoDifference(polled, told)
    }

    @Test func `a polled reaction carries its message`() throws {
        let reaction = MessageReaction(
            id: "rxn_1", reactionType: .question, fromNumber: "+15559876543", direction: .inbound, createdAt: noon)
        let message = Message.sample("msg_9", "Our words", direction: .outbound)
        var told = ConversationEvent.reaction(.question)
        told.conversation.hasMetadata = false
        expectNoDifference(ConversationEvent(reaction, on: message, in: .sample()), told)
    }

    @Test func `an event is kept and read as it was`() throws {
        for event in [ConversationEvent.message(media: ["https://e.com/1.png"]), .reaction(), .call()] {
            expectNoDifference(try JSON.decode(ConversationEvent.self, from: JSON.encode(event)), event)
        }
    }

    @Test(arguments: [("callId", "call_id"), ("durationSeconds", "duration_seconds"), ("to", "to")])
    func `names are in snake case`(_ name: String, _ expected: String) {
        #expect(ConversationEvent.snakeCase(name) == expected)
    }
}
