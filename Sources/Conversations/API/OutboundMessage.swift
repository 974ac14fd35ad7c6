/// What to send: the body of `POST /v1/messages`, whose keys are snake_case.
///
/// Source: AgentPhone API reference, "Send message".
public struct OutboundMessage: Sendable, Hashable, Codable {
    /// Sender by agent (its first number); of the three senders it counts least.
    public var agentID: String?
    public var numberID: String?
    /// Sender by number in E.164; of the three senders it counts most.
    public var fromNumber: String?
    /// A phone number, a short code, an e-mail address, or a group's id.
    public var toNumber: String?
    /// 2 to 32 addresses, to start a new iMessage group; not together with `toNumber`.
    public var recipients: [String]?
    /// May be empty where there is media.
    public var body: String
    /// 1 to 20 URLs.
    public var mediaURLs: [String]?
    /// The older way to give a single URL; not together with `mediaURLs`.
    public var mediaURL: String?
    public var replyToMessageID: Message.ID?
    /// An iMessage effect; dropped on other channels.
    public var sendStyle: String?

    public init(
        agentID: String? = nil, numberID: String? = nil, fromNumber: String? = nil, toNumber: String?, body: String,
        mediaURLs: [String]? = nil, mediaURL: String? = nil, replyToMessageID: Message.ID? = nil,
        sendStyle: String? = nil, recipients: [String]? = nil
    ) {
        self.agentID = agentID
        self.numberID = numberID
        self.fromNumber = fromNumber
        self.toNumber = toNumber
        self.body = body
        self.mediaURLs = mediaURLs
        self.mediaURL = mediaURL
        self.replyToMessageID = replyToMessageID
        self.sendStyle = sendStyle
        self.recipients = recipients
    }

    private enum CodingKeys: String, CodingKey {
        case agentID = "agent_id"
        case numberID = "number_id"
        case fromNumber = "from_number"
        case toNumber = "to_number"
        case body, recipients
        case mediaURLs = "media_urls"
        case mediaURL = "media_url"
        case replyToMessageID = "reply_to_message_id"
        case sendStyle = "send_style"
    }
}

/// What a message's sender gets back; snake_case as well. Source: AgentPhone API reference, "Send message".
public struct SentMessage: Sendable, Hashable {
    public var id: Message.ID
    public var status: String
    /// The channel that was chosen.
    public var channel: Channel?
    public var fromNumber: String?
    public var toNumber: String?
    /// May be absent.
    public var conversationID: Conversation.ID?
    public var mediaURLs: [String]
    public var replyToMessageID: Message.ID?
    /// True where the message was delivered, but not as a reply.
    public var replyParentUnresolved: Bool?

    public init(
        id: Message.ID, status: String, channel: Channel?, fromNumber: String?, toNumber: String?,
        conversationID: Conversation.ID?, mediaURLs: [String] = [], replyToMessageID: Message.ID? = nil,
        replyParentUnresolved: Bool? = nil
    ) {
        self.id = id
        self.status = status
        self.channel = channel
        self.fromNumber = fromNumber
        self.toNumber = toNumber
        self.conversationID = conversationID
        self.mediaURLs = mediaURLs
        self.replyToMessageID = replyToMessageID
        self.replyParentUnresolved = replyParentUnresolved
    }
}

extension SentMessage: Codable {
    private enum Key: String, CodingKey {
        case id, status, channel
        case fromNumber = "from_number"
        case toNumber = "to_number"
        case conversationID = "conversation_id"
        case mediaURLs = "media_urls"
        case replyToMessageID = "reply_to_message_id"
        case replyParentUnresolved = "reply_parent_unresolved"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        id = try container.decode(Message.ID.self, forKey: .id)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "sent"
        channel = try container.decodeIfPresent(Channel.self, forKey: .channel)
        fromNumber = try container.decodeIfPresent(String.self, forKey: .fromNumber)
        toNumber = try container.decodeIfPresent(String.self, forKey: .toNumber)
        conversationID = try container.decodeIfPresent(Conversation.ID.self, forKey: .conversationID)
        mediaURLs = try container.decodeIfPresent([String].self, forKey: .mediaURLs) ?? []
        replyToMessageID = try container.decodeIfPresent(Message.ID.self, forKey: .replyToMessageID)
        replyParentUnresolved = try container.decodeIfPresent(Bool.self, forKey: .replyParentUnresolved)
    }

    /// Writes every documented key, nulls included.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(id, forKey: .id)
        try container.encode(status, forKey: .status)
        try container.encode(channel, forKey: .channel)
        try container.encode(fromNumber, forKey: .fromNumber)
        try container.encode(toNumber, forKey: .toNumber)
        try container.encode(conversationID, forKey: .conversationID)
        try container.encode(mediaURLs, forKey: .mediaURLs)
        try container.encode(replyToMessageID, forKey: .replyToMessageID)
        try container.encode(replyParentUnresolved, forKey: .replyParentUnresolved)
    }
}
