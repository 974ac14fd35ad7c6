/// One message of a conversation.
///
/// Source: AgentPhone guide "Conversations", message fields; `mediaUrls`, `reactions` and `senderIdentifier` are later
/// additions of the API reference and may be absent.
public struct Message: Sendable, Hashable, Identifiable {
    public typealias ID = Identifier<Message>

    public var id: ID
    /// The text; empty for a message that is only media.
    public var body: String
    /// A phone number in E.164, or on iMessage an e-mail address.
    public var fromNumber: String
    public var toNumber: String
    public var direction: Direction
    public var channel: Channel?
    public var mediaURL: String?
    /// All attachments. Where only one of the two was given, the other is made from it.
    public var mediaURLs: [String]
    public var receivedAt: Timestamp
    public var reactions: [MessageReaction]
    /// Who of a group wrote it; nil elsewhere.
    public var senderIdentifier: String?
    /// What it answers, where it is a reply; a later addition as well.
    public var replyTo: ReplyTarget?

    public init(
        id: ID, body: String, fromNumber: String, toNumber: String, direction: Direction, channel: Channel?,
        mediaURL: String? = nil, mediaURLs: [String]? = nil, receivedAt: Timestamp,
        reactions: [MessageReaction] = [], senderIdentifier: String? = nil, replyTo: ReplyTarget? = nil
    ) {
        self.id = id
        self.body = body
        self.fromNumber = fromNumber
        self.toNumber = toNumber
        self.direction = direction
        self.channel = channel
        let all = mediaURLs ?? []
        self.mediaURL = mediaURL ?? all.first
        self.mediaURLs = all.isEmpty ? mediaURL.map { [$0] } ?? [] : all
        self.receivedAt = receivedAt
        self.reactions = reactions
        self.senderIdentifier = senderIdentifier
        self.replyTo = replyTo
    }
}

/// The message that a reply answers. Source: AgentPhone API reference, message object.
public struct ReplyTarget: Sendable, Hashable, Codable {
    public var messageID: Message.ID
    /// Its text.
    public var message: String
    public var mediaURLs: [String]

    public init(messageID: Message.ID, message: String, mediaURLs: [String] = []) {
        self.messageID = messageID
        self.message = message
        self.mediaURLs = mediaURLs
    }

    private enum CodingKeys: String, CodingKey {
        case message
        case messageID = "messageId"
        case mediaURLs = "mediaUrls"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        messageID = try container.decode(Message.ID.self, forKey: .messageID)
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        mediaURLs = try container.decodeIfPresent([String].self, forKey: .mediaURLs) ?? []
    }
}

/// A reaction that a message carries. Source: AgentPhone API reference, message object.
public struct MessageReaction: Sendable, Hashable, Identifiable {
    public typealias ID = Identifier<MessageReaction>

    public var id: ID
    public var reactionType: ReactionType
    public var fromNumber: String
    public var direction: Direction
    public var createdAt: Timestamp

    public init(id: ID, reactionType: ReactionType, fromNumber: String, direction: Direction, createdAt: Timestamp) {
        self.id = id
        self.reactionType = reactionType
        self.fromNumber = fromNumber
        self.direction = direction
        self.createdAt = createdAt
    }
}

extension MessageReaction: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            id: container.decode(ID.self, forKey: .id),
            reactionType: container.decode(ReactionType.self, forKey: .reactionType),
            fromNumber: container.decodeIfPresent(String.self, forKey: .fromNumber) ?? "",
            direction: container.decodeIfPresent(Direction.self, forKey: .direction) ?? .inbound,
            createdAt: container.decode(Timestamp.self, forKey: .createdAt))
    }
}

extension Message: Codable {
    private enum Key: String, CodingKey {
        case id, body, fromNumber, toNumber, direction, channel
        case mediaURL = "mediaUrl"
        case mediaURLs = "mediaUrls"
        case receivedAt, reactions, senderIdentifier, replyTo
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            id: container.decode(ID.self, forKey: .id),
            body: container.decodeIfPresent(String.self, forKey: .body) ?? "",
            fromNumber: container.decodeIfPresent(String.self, forKey: .fromNumber) ?? "",
            toNumber: container.decodeIfPresent(String.self, forKey: .toNumber) ?? "",
            direction: container.decode(Direction.self, forKey: .direction),
            channel: container.decodeIfPresent(Channel.self, forKey: .channel),
            mediaURL: container.decodeIfPresent(String.self, forKey: .mediaURL),
            mediaURLs: container.decodeIfPresent([String].self, forKey: .mediaURLs),
            receivedAt: container.decode(Timestamp.self, forKey: .receivedAt),
            reactions: container.decodeIfPresent([MessageReaction].self, forKey: .reactions) ?? [],
            senderIdentifier: container.decodeIfPresent(String.self, forKey: .senderIdentifier),
            // Of another shape than known, it is left out: the message counts more.
            replyTo: try? container.decodeIfPresent(ReplyTarget.self, forKey: .replyTo))
    }

    /// Writes every documented key, `mediaUrl` also where it is null, as the documented samples have it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(id, forKey: .id)
        try container.encode(body, forKey: .body)
        try container.encode(fromNumber, forKey: .fromNumber)
        try container.encode(toNumber, forKey: .toNumber)
        try container.encode(direction, forKey: .direction)
        try container.encode(channel, forKey: .channel)
        try container.encode(mediaURL, forKey: .mediaURL)
        try container.encode(mediaURLs, forKey: .mediaURLs)
        try container.encode(receivedAt, forKey: .receivedAt)
        try container.encode(reactions, forKey: .reactions)
        try container.encodeIfPresent(senderIdentifier, forKey: .senderIdentifier)
        try container.encodeIfPresent(replyTo, forKey: .replyTo)
    }
}
