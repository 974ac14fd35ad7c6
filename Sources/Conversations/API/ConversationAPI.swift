/// The conversations API: what rules read and do.
///
/// Implemented by the gateway in process and by the client over HTTP; one conformance suite holds for both.
/// Every call is one attempt: whoever calls decides about repeating, by ``APIError/isRetryable``.
///
/// ``send(_:)`` and ``react(to:with:)`` have an effect that cannot be taken back and cannot be made idempotent. Where
/// they cannot tell whether it took place, they throw ``APIError/Code/outcomeUnknown``.
public protocol ConversationAPI: Sendable {
    /// Conversations by latest activity, latest first.
    ///
    /// - Parameters:
    ///   - limit: 1 to 100.
    ///   - offset: 0 or more.
    func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage

    /// - Parameter messageLimit: 1 to 100: how many of the latest messages to include.
    func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail

    /// Changes what `update` names and leaves the rest.
    func update(_ id: Conversation.ID, with update: ConversationUpdate) async throws(APIError) -> ConversationDetail

    /// Messages of a conversation, newest first.
    ///
    /// - Parameters:
    ///   - limit: 1 to 200.
    ///   - before: Only messages received earlier than this, not at it.
    ///   - after: Only messages received later than this, not at it; the newest of them first.
    func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage

    /// Sends a message, by iMessage where both sides can, else by SMS or MMS.
    func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage

    /// Puts a tapback on a message; on iMessage alone, elsewhere ``APIError/Code/invalidRequest``.
    func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt

    /// Shows the participant that an answer is being written; best effort, ends by itself.
    func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt

    /// The project's webhook; nil if none is set.
    func webhook() async throws(APIError) -> Webhook?

    /// Sets or replaces the project's webhook. Each call makes a new secret, and the old one is void at once.
    func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook

    func deleteWebhook() async throws(APIError)
}

/// A page by offset. Source: AgentPhone guide "Conversations".
public struct ConversationPage: Sendable, Hashable, Codable {
    public var data: [Conversation]
    public var hasMore: Bool
    /// How many conversations there are in all.
    public var total: Int

    public init(data: [Conversation], hasMore: Bool, total: Int) {
        self.data = data
        self.hasMore = hasMore
        self.total = total
    }
}

/// A page by time. Source: AgentPhone guide "Conversations".
public struct MessagePage: Sendable, Hashable, Codable {
    public var data: [Message]
    /// Whether more exist past the page's oldest message, within the bounds asked for.
    public var hasMore: Bool

    public init(data: [Message], hasMore: Bool) {
        self.data = data
        self.hasMore = hasMore
    }
}

/// What `PATCH /v1/conversations/{id}` changes.
public struct ConversationUpdate: Sendable, Hashable {
    public enum Field<Value: Sendable & Hashable>: Sendable, Hashable {
        /// The key is absent: leave it.
        case unchanged
        /// The key is null: clear it.
        case cleared
        /// Replace it whole; nothing is merged. Source: AgentPhone API reference, "Update conversation".
        case replaced(Value)
    }

    public var metadata: Field<Metadata>
    /// A new name for a group; nil leaves it. Ignored for 1:1 threads.
    public var groupName: String?

    public init(metadata: Field<Metadata> = .unchanged, groupName: String? = nil) {
        self.metadata = metadata
        self.groupName = groupName
    }
}

extension ConversationUpdate: Codable {
    private enum Key: String, CodingKey {
        case metadata
        case groupName = "group_name"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        groupName = try container.decodeIfPresent(String.self, forKey: .groupName)
        if !container.contains(.metadata) {
            metadata = .unchanged
        } else if try container.decodeNil(forKey: .metadata) {
            metadata = .cleared
        } else {
            metadata = .replaced(try container.decode(Metadata.self, forKey: .metadata))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(groupName, forKey: .groupName)
        switch metadata {
        case .unchanged: break
        case .cleared: try container.encodeNil(forKey: .metadata)
        case .replaced(let value): try container.encode(value, forKey: .metadata)
        }
    }
}

/// What a reaction's sender gets back.
///
/// The guide writes camelCase, the API reference snake_case. Both spellings are written, either is read.
/// Source: AgentPhone guide "Conversations", "Send a reaction"; AgentPhone API reference.
public struct ReactionReceipt: Sendable, Hashable {
    public var id: MessageReaction.ID
    public var reactionType: ReactionType
    public var messageID: Message.ID
    public var channel: Channel?

    public init(id: MessageReaction.ID, reactionType: ReactionType, messageID: Message.ID, channel: Channel?) {
        self.id = id
        self.reactionType = reactionType
        self.messageID = messageID
        self.channel = channel
    }
}

extension ReactionReceipt: Codable {
    private enum Key: String, CodingKey {
        case id, reactionType, channel
        case reactionTypeSnake = "reaction_type"
        case messageID = "messageId"
        case messageIDSnake = "message_id"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        id = try container.decode(MessageReaction.ID.self, forKey: .id)
        reactionType =
            try container.decodeIfPresent(ReactionType.self, forKey: .reactionType)
            ?? container.decode(ReactionType.self, forKey: .reactionTypeSnake)
        messageID =
            try container.decodeIfPresent(Message.ID.self, forKey: .messageID)
            ?? container.decode(Message.ID.self, forKey: .messageIDSnake)
        channel = try container.decodeIfPresent(Channel.self, forKey: .channel)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(id, forKey: .id)
        try container.encode(reactionType, forKey: .reactionType)
        try container.encode(reactionType, forKey: .reactionTypeSnake)
        try container.encode(messageID, forKey: .messageID)
        try container.encode(messageID, forKey: .messageIDSnake)
        try container.encode(channel, forKey: .channel)
    }
}

/// Answer to showing that one types. Source: AgentPhone API reference, typing indicator.
public struct TypingReceipt: Sendable, Hashable, Codable {
    public var conversationID: Conversation.ID
    public var channel: Channel?
    public var status: String?

    public init(conversationID: Conversation.ID, channel: Channel?, status: String?) {
        self.conversationID = conversationID
        self.channel = channel
        self.status = status
    }

    private enum CodingKeys: String, CodingKey {
        case conversationID = "conversationId"
        case channel, status
    }
}
