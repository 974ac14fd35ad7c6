public import Foundation

/// One delivery's body.
///
/// Unknown events, channels and fields are read and kept; a missing field is an error only where nothing can be done
/// without it. Source: AgentPhone guide "Webhooks".
public struct WebhookEvent: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case message(WebhookMessage)
        case voice(JSONValue)
        case reaction(WebhookReaction)
        case callEnded(WebhookCall)
        /// An event that this version does not know.
        case other(JSONValue)
    }

    /// Such as `agent.message`.
    public var event: String
    public var channel: Channel?
    public var timestamp: Timestamp?
    public var agentID: String?
    public var content: Content
    /// The conversation's metadata; nil both for null and where it is left out.
    public var conversationState: Metadata?
    public var recentHistory: [HistoryEntry]
    /// True for a delivery that someone asked for to try the endpoint.
    public var isTest: Bool

    public init(
        event: String, channel: Channel?, timestamp: Timestamp?, agentID: String?, content: Content,
        conversationState: Metadata?, recentHistory: [HistoryEntry] = [], isTest: Bool = false
    ) {
        self.event = event
        self.channel = channel
        self.timestamp = timestamp
        self.agentID = agentID
        self.content = content
        self.conversationState = conversationState
        self.recentHistory = recentHistory
        self.isTest = isTest
    }

    /// Reads a delivery's body.
    ///
    /// - Throws: ``WebhookError`` `.malformed`, naming the field.
    public init(parsing body: Data) throws(WebhookError) {
        do {
            self = try JSON.decode(WebhookEvent.self, from: body)
        } catch let error as DecodingError {
            throw WebhookError(.malformed, error.plainDescription)
        } catch {
            throw WebhookError(.malformed, "\(error)")
        }
    }
}

/// An earlier message, oldest first in a delivery.
///
/// Context alone: whatever an entry lacks, it must not cost the delivery's own message.
public struct HistoryEntry: Sendable, Hashable, Codable {
    /// The text; empty for a message that was only media.
    public var content: String
    /// Nil where an entry doesn't say.
    public var direction: Direction?
    public var channel: Channel?
    public var at: Timestamp?
    public var messageID: Message.ID?

    public init(
        content: String, direction: Direction?, channel: Channel?, at: Timestamp?, messageID: Message.ID? = nil
    ) {
        self.content = content
        self.direction = direction
        self.channel = channel
        self.at = at
        self.messageID = messageID
    }

    private enum CodingKeys: String, CodingKey {
        case content, direction, channel, at
        case messageID = "messageId"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        content = (try? container.decodeIfPresent(String.self, forKey: .content)) ?? ""
        direction = try? container.decodeIfPresent(Direction.self, forKey: .direction)
        channel = try? container.decodeIfPresent(Channel.self, forKey: .channel)
        at = try? container.decodeIfPresent(Timestamp.self, forKey: .at)
        messageID = try? container.decodeIfPresent(Message.ID.self, forKey: .messageID)
    }
}

/// `data` of `agent.message` on the text channels.
public struct WebhookMessage: Sendable, Hashable {
    public var conversationID: Conversation.ID
    public var numberID: String?
    /// Some payloads have none: the message must then be looked up.
    public var messageID: Message.ID?
    public var from: String
    public var to: String
    /// The text; its key is `message`, not `body`.
    public var message: String
    public var mediaURL: String?
    public var mediaURLs: [String]
    public var direction: Direction
    public var receivedAt: Timestamp
    /// Who of a group wrote it; nil elsewhere.
    public var senderIdentifier: String?
    /// The group that it was written in; nil elsewhere.
    public var group: ConversationGroup?
    /// The sender's entry in the address book.
    public var contact: WebhookContact?
    /// The message that it answers.
    public var replyTo: ReplyTarget?

    public init(
        conversationID: Conversation.ID, numberID: String?, messageID: Message.ID?, from: String, to: String,
        message: String, mediaURL: String? = nil, mediaURLs: [String]? = nil, direction: Direction = .inbound,
        receivedAt: Timestamp, senderIdentifier: String? = nil, group: ConversationGroup? = nil
    ) {
        self.conversationID = conversationID
        self.numberID = numberID
        self.messageID = messageID
        self.from = from
        self.to = to
        self.message = message
        let all = mediaURLs ?? []
        self.mediaURL = mediaURL ?? all.first
        self.mediaURLs = all.isEmpty ? mediaURL.map { [$0] } ?? [] : all
        self.direction = direction
        self.receivedAt = receivedAt
        self.senderIdentifier = senderIdentifier
        self.group = group
    }
}

/// The sender of a message, where the address book has them. Source: AgentPhone's chat adapter, payload types.
public struct WebhookContact: Sendable, Hashable, Codable {
    public var id: String
    public var name: String?
    public var email: String?
    public var phoneNumber: String

    public init(id: String, name: String?, email: String?, phoneNumber: String) {
        self.id = id
        self.name = name
        self.email = email
        self.phoneNumber = phoneNumber
    }

    private enum CodingKeys: String, CodingKey { case id, name, email, phoneNumber }

    /// Writes nulls.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(email, forKey: .email)
        try container.encode(phoneNumber, forKey: .phoneNumber)
    }
}

/// `data` of `agent.reaction`: someone reacted to a message that the agent sent.
public struct WebhookReaction: Sendable, Hashable {
    public var conversationID: Conversation.ID
    public var numberID: String?
    public var reactionType: ReactionType
    public var fromNumber: String
    public var direction: Direction
    public var messageID: Message.ID
    public var messageBody: String?
    public var messageMediaURL: String?
    public var createdAt: Timestamp

    public init(
        conversationID: Conversation.ID, numberID: String?, reactionType: ReactionType, fromNumber: String,
        direction: Direction = .inbound, messageID: Message.ID, messageBody: String?, messageMediaURL: String? = nil,
        createdAt: Timestamp
    ) {
        self.conversationID = conversationID
        self.numberID = numberID
        self.reactionType = reactionType
        self.fromNumber = fromNumber
        self.direction = direction
        self.messageID = messageID
        self.messageBody = messageBody
        self.messageMediaURL = messageMediaURL
        self.createdAt = createdAt
    }
}

/// `data` of `agent.call_ended`, as far as it orders and identifies the event; the rest stays JSON.
public struct WebhookCall: Sendable, Hashable {
    public var callID: String
    public var from: String
    public var to: String
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    /// The whole of `data`.
    public var fields: JSONValue

    public init(
        callID: String, from: String, to: String, startedAt: Timestamp?, endedAt: Timestamp?, fields: JSONValue
    ) {
        self.callID = callID
        self.from = from
        self.to = to
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.fields = fields
    }
}
