extension WebhookEvent: Codable {
    private enum Key: String, CodingKey {
        case event, channel, timestamp, data, conversationState, recentHistory, test
        case agentID = "agentId"
    }

    public static let messageEvent = "agent.message"
    public static let reactionEvent = "agent.reaction"
    public static let callEndedEvent = "agent.call_ended"

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        event = try container.decode(String.self, forKey: .event)
        channel = try container.decodeIfPresent(Channel.self, forKey: .channel)
        timestamp = try container.decodeIfPresent(Timestamp.self, forKey: .timestamp)
        agentID = try container.decodeIfPresent(String.self, forKey: .agentID)
        conversationState = try container.decodeIfPresent(Metadata.self, forKey: .conversationState)
        recentHistory = try container.decodeIfPresent([HistoryEntry].self, forKey: .recentHistory) ?? []
        isTest = try container.decodeIfPresent(Bool.self, forKey: .test) ?? false
        switch event {
        case Self.messageEvent where channel == .voice:
            content = .voice(try container.decode(JSONValue.self, forKey: .data))
        case Self.messageEvent:
            content = .message(try container.decode(WebhookMessage.self, forKey: .data))
        case Self.reactionEvent:
            content = .reaction(try container.decode(WebhookReaction.self, forKey: .data))
        case Self.callEndedEvent:
            content = .callEnded(try container.decode(WebhookCall.self, forKey: .data))
        default:
            content = .other(try container.decodeIfPresent(JSONValue.self, forKey: .data) ?? .null)
        }
    }

    /// Writes `conversationState` also where it is null, and `recentHistory` also where it is empty: clients break on
    /// a null history.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(event, forKey: .event)
        try container.encode(channel, forKey: .channel)
        try container.encode(timestamp, forKey: .timestamp)
        try container.encode(agentID, forKey: .agentID)
        switch content {
        case .message(let data): try container.encode(data, forKey: .data)
        case .reaction(let data): try container.encode(data, forKey: .data)
        case .callEnded(let data): try container.encode(data.fields, forKey: .data)
        case .voice(let data), .other(let data): try container.encode(data, forKey: .data)
        }
        try container.encode(conversationState, forKey: .conversationState)
        try container.encode(recentHistory, forKey: .recentHistory)
        if isTest { try container.encode(true, forKey: .test) }
    }
}

extension WebhookMessage: Codable {
    private enum Key: String, CodingKey {
        case from, to, message, direction, receivedAt, senderIdentifier, group, contact, replyTo
        case conversationID = "conversationId"
        case numberID = "numberId"
        case messageID = "messageId"
        case mediaURL = "mediaUrl"
        case mediaURLs = "mediaUrls"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            conversationID: container.decode(Conversation.ID.self, forKey: .conversationID),
            numberID: container.decodeIfPresent(String.self, forKey: .numberID),
            messageID: container.decodeIfPresent(Message.ID.self, forKey: .messageID),
            from: container.decode(String.self, forKey: .from),
            to: container.decodeIfPresent(String.self, forKey: .to) ?? "",
            message: container.decodeIfPresent(String.self, forKey: .message) ?? "",
            mediaURL: container.decodeIfPresent(String.self, forKey: .mediaURL),
            mediaURLs: container.decodeIfPresent([String].self, forKey: .mediaURLs),
            direction: container.decodeIfPresent(Direction.self, forKey: .direction) ?? .inbound,
            receivedAt: container.decode(Timestamp.self, forKey: .receivedAt),
            senderIdentifier: container.decodeIfPresent(String.self, forKey: .senderIdentifier),
            // Of another shape than known, it is left out: the message counts more.
            group: try? container.decodeIfPresent(ConversationGroup.self, forKey: .group))
        contact = try? container.decodeIfPresent(WebhookContact.self, forKey: .contact)
        replyTo = try? container.decodeIfPresent(ReplyTarget.self, forKey: .replyTo)
    }

    /// Leaves `messageId` out where it is nil: the payloads without it don't carry the key at all, nor `mediaUrls` and
    /// `contact`, which came with it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(conversationID, forKey: .conversationID)
        try container.encode(numberID, forKey: .numberID)
        try container.encodeIfPresent(messageID, forKey: .messageID)
        try container.encode(from, forKey: .from)
        try container.encode(to, forKey: .to)
        try container.encode(message, forKey: .message)
        try container.encode(mediaURL, forKey: .mediaURL)
        if messageID != nil {
            try container.encode(mediaURLs, forKey: .mediaURLs)
            try container.encode(contact, forKey: .contact)
        }
        try container.encode(direction, forKey: .direction)
        try container.encode(receivedAt, forKey: .receivedAt)
        try container.encodeIfPresent(senderIdentifier, forKey: .senderIdentifier)
        try container.encodeIfPresent(group, forKey: .group)
        try container.encodeIfPresent(replyTo, forKey: .replyTo)
    }
}

extension WebhookReaction: Codable {
    private enum Key: String, CodingKey {
        case reactionType, fromNumber, direction, messageBody, createdAt
        case conversationID = "conversationId"
        case numberID = "numberId"
        case messageID = "messageId"
        case messageMediaURL = "messageMediaUrl"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            conversationID: container.decode(Conversation.ID.self, forKey: .conversationID),
            numberID: container.decodeIfPresent(String.self, forKey: .numberID),
            reactionType: container.decode(ReactionType.self, forKey: .reactionType),
            fromNumber: container.decode(String.self, forKey: .fromNumber),
            direction: container.decodeIfPresent(Direction.self, forKey: .direction) ?? .inbound,
            messageID: container.decode(Message.ID.self, forKey: .messageID),
            messageBody: container.decodeIfPresent(String.self, forKey: .messageBody),
            messageMediaURL: container.decodeIfPresent(String.self, forKey: .messageMediaURL),
            createdAt: container.decode(Timestamp.self, forKey: .createdAt))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(conversationID, forKey: .conversationID)
        try container.encode(numberID, forKey: .numberID)
        try container.encode(reactionType, forKey: .reactionType)
        try container.encode(fromNumber, forKey: .fromNumber)
        try container.encode(direction, forKey: .direction)
        try container.encode(messageID, forKey: .messageID)
        try container.encode(messageBody, forKey: .messageBody)
        try container.encode(messageMediaURL, forKey: .messageMediaURL)
        try container.encode(createdAt, forKey: .createdAt)
    }
}

extension WebhookCall: Decodable {
    private enum Key: String, CodingKey {
        case from, to, startedAt, endedAt
        case callID = "callId"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        try self.init(
            callID: container.decode(String.self, forKey: .callID),
            from: container.decodeIfPresent(String.self, forKey: .from) ?? "",
            to: container.decodeIfPresent(String.self, forKey: .to) ?? "",
            startedAt: container.decodeIfPresent(Timestamp.self, forKey: .startedAt),
            endedAt: container.decodeIfPresent(Timestamp.self, forKey: .endedAt),
            fields: JSONValue(from: decoder))
    }
}
