import Conversations
import DurableExecution
import Foundation

@testable import Rules

/// Wednesday, 2025-01-15 12:00:00 UTC: the zero of ``TestSupport/ManualClock``.
let noon = Timestamp(microseconds: 1_736_942_400_000_000)

extension Conversation {
    static func sample(
        _ id: Conversation.ID = "conv_1", metadata: Metadata? = nil, lastMessageAt: Timestamp? = noon, count: Int = 1
    ) -> Conversation {
        Conversation(
            id: id, agentID: "agt_1", phoneNumberID: "num_1", phoneNumber: "+15551234567", participant: "+15559876543",
            lastMessageAt: lastMessageAt, messageCount: count, metadata: metadata, createdAt: noon)
    }
}

extension Message {
    static func sample(
        _ id: Message.ID = "msg_1", _ body: String = "Hello", at time: Timestamp = noon,
        direction: Direction = .inbound, channel: Channel? = .imessage, media: [String] = [],
        reactions: [MessageReaction] = []
    ) -> Message {
        Message(
            id: id, body: body, fromNumber: direction == .outbound ? "+15551234567" : "+15559876543",
            toNumber: direction == .outbound ? "+15559876543" : "+15551234567", direction: direction, channel: channel,
            mediaURLs: media, receivedAt: time, reactions: reactions)
    }
}

extension ConversationEvent {
    /// A message as a webhook brings it.
    static func message(
        _ body: String = "Hello", id: Message.ID? = "msg_1", in conversation: Conversation.ID = "conv_1",
        channel: Channel? = .imessage, media: [String] = [], metadata: Metadata? = nil, at time: Timestamp = noon,
        direction: Direction = .inbound
    ) -> ConversationEvent {
        ConversationEvent(
            kind: .message,
            conversation: Snapshot(
                id: conversation, participant: "+15559876543", number: "+15551234567", numberID: "num_1",
                agent: "agt_1", metadata: metadata, hasMetadata: true),
            message: MessageFields(
                id: id, body: body, fromNumber: direction == .outbound ? "+15551234567" : "+15559876543",
                toNumber: direction == .outbound ? "+15559876543" : "+15551234567", direction: direction,
                channel: channel, attachments: media.map { Attachment(url: $0, kind: MediaKind(url: $0)) },
                receivedAt: time))
    }

    static func reaction(
        _ type: ReactionType = .love, on id: Message.ID = "msg_9", body: String? = "Our words",
        at time: Timestamp = noon
    ) -> ConversationEvent {
        ConversationEvent(
            kind: .reaction,
            conversation: Snapshot(
                id: "conv_1", participant: "+15559876543", number: "+15551234567", numberID: "num_1", agent: "agt_1",
                metadata: nil, hasMetadata: true),
            reaction: ReactionFields(
                reactionType: type, fromNumber: "+15559876543", direction: .inbound, channel: .imessage, messageID: id,
                messageBody: body, createdAt: time))
    }

    static func call(_ fields: JSONValue = ["callId": "call_1"]) -> ConversationEvent {
        ConversationEvent(
            kind: .callEnded,
            conversation: Snapshot(
                id: "call:call_1", participant: "+15559876543", number: "+15551234567", numberID: nil, agent: nil,
                metadata: nil, hasMetadata: true),
            call: fields)
    }

    /// As the inbox takes it.
    func new(delivery: String? = nil, source: String = "webhook") throws -> NewEvent {
        try NewEvent(self, source: source, delivery: delivery, sentAt: noon, optOut: OptOutWords())
    }
}

func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Data(text.utf8)) }

func json(_ data: Data?) throws -> JSONValue? { try data.map { try JSONValue(parsing: $0) } }
