public import Conversations

/// A phone of the outside world, as far as the gateway plays it.
public struct SimulatedPhone: Sendable, Hashable, Codable {
    /// A phone number in E.164, or an e-mail address (an Apple ID).
    public var address: String
    /// Whether it takes part in iMessage; otherwise it has SMS and MMS.
    public var imessage: Bool
    public var createdAt: Timestamp

    public init(address: String, imessage: Bool, createdAt: Timestamp) {
        self.address = address
        self.imessage = imessage
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case address, imessage
        case createdAt = "created_at"
    }
}

/// What a phone's sending made.
public struct PhoneDelivery: Sendable, Hashable, Codable {
    public var conversationID: Conversation.ID
    /// In the order in which they arrived: a carousel's pictures each, then the text.
    public var messages: [Message]

    public var messageIDs: [Message.ID] { messages.map(\.id) }

    private enum CodingKeys: String, CodingKey {
        case conversationID = "conversation_id"
        case messageIDs = "message_ids"
        case messages
    }

    init(conversationID: Conversation.ID, messages: [Message]) {
        self.conversationID = conversationID
        self.messages = messages
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        conversationID = try container.decode(Conversation.ID.self, forKey: .conversationID)
        messages = try container.decode([Message].self, forKey: .messages)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(conversationID, forKey: .conversationID)
        try container.encode(messageIDs, forKey: .messageIDs)
        try container.encode(messages, forKey: .messages)
    }
}

/// A group of phones and a number of the project.
public struct SimulatedGroup: Sendable, Hashable, Codable {
    /// What a phone writes to it by.
    public var id: String
    public var conversationID: Conversation.ID
    public var name: String?
    public var members: [String]

    private enum CodingKeys: String, CodingKey {
        case id, name, members
        case conversationID = "conversation_id"
    }

    /// Writes `name` also where it is null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(conversationID, forKey: .conversationID)
        try container.encode(name, forKey: .name)
        try container.encode(members, forKey: .members)
    }
}

/// Media that the gateway keeps.
public struct UploadedMedia: Sendable, Hashable, Codable {
    public var url: String
    public var kind: MediaKind
    public var contentType: String
    public var byteCount: Int
    /// SHA-256 in lower-case hex; the name under which it is kept.
    public var digest: String

    private enum CodingKeys: String, CodingKey {
        case url, kind, digest
        case contentType = "content_type"
        case byteCount = "byte_count"
    }
}

/// A conversation to try things on.
public struct SampleConversation: Sendable, Hashable {
    public var conversationID: Conversation.ID
    public var agentID: String?
    public var numberID: String
    public var number: String
    public var participant: String
    /// An inbound iMessage photo: react to it through the API.
    public var photoMessageID: Message.ID
    /// An outbound message: react to it from the phone.
    public var outboundMessageID: Message.ID
}
