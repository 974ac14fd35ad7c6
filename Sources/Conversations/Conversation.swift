/// A thread between one of the project's numbers and one participant.
///
/// Source: AgentPhone guide "Conversations", "List conversations".
public struct Conversation: Sendable, Hashable, Identifiable {
    public typealias ID = Identifier<Conversation>

    public var id: ID
    /// Null once the agent is deleted.
    public var agentID: String?
    public var phoneNumberID: String
    public var phoneNumber: String
    /// A phone number in E.164, or on iMessage an e-mail address.
    public var participant: String
    public var lastMessageAt: Timestamp?
    /// Present in lists, absent from a single conversation.
    public var lastMessagePreview: String?
    public var messageCount: Int
    public var metadata: Metadata?
    public var createdAt: Timestamp
    /// Who takes part, where it is a group; a later addition of the API reference.
    public var group: ConversationGroup?

    public init(
        id: ID, agentID: String?, phoneNumberID: String, phoneNumber: String, participant: String,
        lastMessageAt: Timestamp?, lastMessagePreview: String? = nil, messageCount: Int, metadata: Metadata?,
        createdAt: Timestamp, group: ConversationGroup? = nil
    ) {
        self.id = id
        self.agentID = agentID
        self.phoneNumberID = phoneNumberID
        self.phoneNumber = phoneNumber
        self.participant = participant
        self.lastMessageAt = lastMessageAt
        self.lastMessagePreview = lastMessagePreview
        self.messageCount = messageCount
        self.metadata = metadata
        self.createdAt = createdAt
        self.group = group
    }
}

/// What an application keeps with a conversation; webhooks carry it as `conversationState`.
public typealias Metadata = [String: JSONValue]

/// A conversation with its most recent messages, newest first.
public struct ConversationDetail: Sendable, Hashable {
    public var conversation: Conversation
    public var messages: [Message]

    public init(conversation: Conversation, messages: [Message]) {
        self.conversation = conversation
        self.messages = messages
    }
}

enum ConversationKey: String, CodingKey {
    case id
    case agentID = "agentId"
    case phoneNumberID = "phoneNumberId"
    case phoneNumber, participant, lastMessageAt, lastMessagePreview, messageCount, metadata, createdAt, messages
}

extension Conversation: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: ConversationKey.self)
        try self.init(
            id: container.decode(ID.self, forKey: .id),
            agentID: container.decodeIfPresent(String.self, forKey: .agentID),
            phoneNumberID: container.decodeIfPresent(String.self, forKey: .phoneNumberID) ?? "",
            phoneNumber: container.decodeIfPresent(String.self, forKey: .phoneNumber) ?? "",
            participant: container.decodeIfPresent(String.self, forKey: .participant) ?? "",
            lastMessageAt: container.decodeIfPresent(Timestamp.self, forKey: .lastMessageAt),
            lastMessagePreview: container.decodeIfPresent(String.self, forKey: .lastMessagePreview),
            messageCount: container.decodeIfPresent(Int.self, forKey: .messageCount) ?? 0,
            metadata: container.decodeIfPresent(Metadata.self, forKey: .metadata),
            createdAt: container.decode(Timestamp.self, forKey: .createdAt),
            // Of another shape than known, it is left out: the conversation counts more.
            group: try? ConversationGroup(ifPresentIn: decoder))
    }

    /// Writes every documented key of a list's item, nulls included.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ConversationKey.self)
        try encodeShared(to: &container)
        try group?.encode(to: encoder)
        try container.encode(lastMessagePreview, forKey: .lastMessagePreview)
    }

    func encodeShared(to container: inout KeyedEncodingContainer<ConversationKey>) throws {
        try container.encode(id, forKey: .id)
        try container.encode(agentID, forKey: .agentID)
        try container.encode(phoneNumberID, forKey: .phoneNumberID)
        try container.encode(phoneNumber, forKey: .phoneNumber)
        try container.encode(participant, forKey: .participant)
        try container.encode(lastMessageAt, forKey: .lastMessageAt)
        try container.encode(messageCount, forKey: .messageCount)
        try container.encode(metadata, forKey: .metadata)
        try container.encode(createdAt, forKey: .createdAt)
    }
}

extension ConversationDetail: Codable {
    public init(from decoder: any Decoder) throws {
        conversation = try Conversation(from: decoder)
        messages =
            try decoder.container(keyedBy: ConversationKey.self)
            .decodeIfPresent([Message].self, forKey: .messages) ?? []
    }

    /// The list item's keys without the preview, and `messages`. Source: AgentPhone API reference, ConversationDetail.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ConversationKey.self)
        try conversation.encodeShared(to: &container)
        try conversation.group?.encode(to: encoder)
        try container.encode(messages, forKey: .messages)
    }
}
