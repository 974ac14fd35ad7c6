public import Conversations

/// An event of a conversation as the inbox keeps it and rules see it, the same whether a webhook or a poll brought it.
public struct ConversationEvent: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        case message, reaction
        case callEnded = "call_ended"
    }

    public var kind: Kind
    public var conversation: Snapshot
    public var message: MessageFields?
    public var reaction: ReactionFields?
    /// The whole of a call's data, as the API sent it.
    public var call: JSONValue?
    /// Whether the message is the conversation's first; known only where a rule asks for it.
    public var isFirst: Bool?

    public init(
        kind: Kind, conversation: Snapshot, message: MessageFields? = nil, reaction: ReactionFields? = nil,
        call: JSONValue? = nil, isFirst: Bool? = nil
    ) {
        self.kind = kind
        self.conversation = conversation
        self.message = message
        self.reaction = reaction
        self.call = call
        self.isFirst = isFirst
    }

    private enum CodingKeys: String, CodingKey {
        case kind, conversation, message, reaction, call
        case isFirst = "is_first"
    }

    /// What is known of the conversation as the event happened.
    public struct Snapshot: Sendable, Hashable, Codable {
        public var id: Conversation.ID
        public var participant: String
        public var number: String
        public var numberID: String?
        public var agent: String?
        /// Nil where there is none, and where ``hasMetadata`` is false.
        public var metadata: Metadata?
        /// Whether ``metadata`` is known: a poll doesn't bring it.
        public var hasMetadata: Bool

        public init(
            id: Conversation.ID, participant: String, number: String, numberID: String?, agent: String?,
            metadata: Metadata?, hasMetadata: Bool
        ) {
            self.id = id
            self.participant = participant
            self.number = number
            self.numberID = numberID
            self.agent = agent
            self.metadata = metadata
            self.hasMetadata = hasMetadata
        }

        private enum CodingKeys: String, CodingKey {
            case id, participant, number, agent, metadata
            case numberID = "number_id"
            case hasMetadata = "has_metadata"
        }
    }

    public struct Attachment: Sendable, Hashable, Codable {
        public var url: String
        /// Nil until somebody looked.
        public var kind: MediaKind?

        public init(url: String, kind: MediaKind? = nil) {
            self.url = url
            self.kind = kind
        }
    }

    public struct MessageFields: Sendable, Hashable, Codable {
        /// Nil for a payload without one, until it is looked up.
        public var id: Message.ID?
        public var body: String
        public var fromNumber: String
        public var toNumber: String
        public var direction: Direction
        public var channel: Channel?
        public var attachments: [Attachment]
        public var receivedAt: Timestamp
        public var senderIdentifier: String?

        public init(
            id: Message.ID?, body: String, fromNumber: String, toNumber: String, direction: Direction,
            channel: Channel?, attachments: [Attachment], receivedAt: Timestamp, senderIdentifier: String? = nil
        ) {
            self.id = id
            self.body = body
            self.fromNumber = fromNumber
            self.toNumber = toNumber
            self.direction = direction
            self.channel = channel
            self.attachments = attachments
            self.receivedAt = receivedAt
            self.senderIdentifier = senderIdentifier
        }

        private enum CodingKeys: String, CodingKey {
            case id, body, direction, channel, attachments
            case fromNumber = "from_number"
            case toNumber = "to_number"
            case receivedAt = "received_at"
            case senderIdentifier = "sender_identifier"
        }
    }

    public struct ReactionFields: Sendable, Hashable, Codable {
        public var reactionType: ReactionType
        public var fromNumber: String
        public var direction: Direction
        public var channel: Channel?
        public var messageID: Message.ID
        public var messageBody: String?
        public var messageMediaURL: String?
        public var createdAt: Timestamp

        public init(
            reactionType: ReactionType, fromNumber: String, direction: Direction, channel: Channel?,
            messageID: Message.ID, messageBody: String?, messageMediaURL: String? = nil, createdAt: Timestamp
        ) {
            self.reactionType = reactionType
            self.fromNumber = fromNumber
            self.direction = direction
            self.channel = channel
            self.messageID = messageID
            self.messageBody = messageBody
            self.messageMediaURL = messageMediaURL
            self.createdAt = createdAt
        }

        private enum CodingKeys: String, CodingKey {
            case direction, channel
            case reactionType = "reaction_type"
            case fromNumber = "from_number"
            case messageID = "message_id"
            case messageBody = "message_body"
            case messageMediaURL = "message_media_url"
            case createdAt = "created_at"
        }
    }
}

extension ConversationEvent {
    /// When it happened, by the API's account; nil for a call without times.
    public var occurredAt: Timestamp? {
        switch kind {
        case .message: message?.receivedAt
        case .reaction: reaction?.createdAt
        case .callEnded: call?["endedAt"]?.string.flatMap(Timestamp.init)
        }
    }

    /// Which way it went; a call's is inbound unless it says otherwise.
    public var direction: Direction {
        switch kind {
        case .message: message?.direction ?? .inbound
        case .reaction: reaction?.direction ?? .inbound
        case .callEnded: call?["direction"]?.string.map(Direction.init(rawValue:)) ?? .inbound
        }
    }

    public var channel: Channel? {
        switch kind {
        case .message: message?.channel
        case .reaction: reaction?.channel
        case .callEnded: .voice
        }
    }

    /// Who caused it: in a group the member, else the participant or, for outbound messages, the number.
    public var sender: String {
        switch kind {
        case .message: message?.senderIdentifier ?? message?.fromNumber ?? ""
        case .reaction: reaction?.fromNumber ?? ""
        case .callEnded: call?["from"]?.string ?? ""
        }
    }

    public var recipient: String {
        switch kind {
        case .message: message?.toNumber ?? ""
        case .reaction: conversation.number
        case .callEnded: call?["to"]?.string ?? ""
        }
    }

    /// The text that `body` and `pattern` look at: a message's own, or that of the message reacted to.
    public var text: String {
        switch kind {
        case .message: message?.body ?? ""
        case .reaction: reaction?.messageBody ?? ""
        case .callEnded: call?["summary"]?.string ?? ""
        }
    }
}
