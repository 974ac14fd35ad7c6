/// A group thread of iMessage: one number of the project and several others.
///
/// In a conversation its keys stand among the conversation's own, in a delivery under `group`. 1:1 threads have none.
/// Source: AgentPhone API reference, conversation object.
public struct ConversationGroup: Sendable, Hashable, Identifiable {
    public struct Member: Sendable, Hashable, Codable {
        /// A phone number or an e-mail address.
        public var identifier: String
        public var name: String?

        public init(identifier: String, name: String? = nil) {
            self.identifier = identifier
            self.name = name
        }

        private enum CodingKeys: String, CodingKey { case identifier, name }

        /// Writes `name` also where it is null.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(identifier, forKey: .identifier)
            try container.encode(name, forKey: .name)
        }
    }

    /// What `to_number` takes to send to it.
    public var id: String
    public var name: String?
    public var iconURL: String?
    public var participants: [Member]

    public init(id: String, name: String? = nil, iconURL: String? = nil, participants: [Member]) {
        self.id = id
        self.name = name
        self.iconURL = iconURL
        self.participants = participants
    }
}

extension ConversationGroup: Codable {
    private enum Key: String, CodingKey {
        case isGroup, participants
        case id = "groupId"
        case name = "groupName"
        case iconURL = "groupIconUrl"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        id = try container.decodeIfPresent(String.self, forKey: .id) ?? ""
        name = try container.decodeIfPresent(String.self, forKey: .name)
        iconURL = try container.decodeIfPresent(String.self, forKey: .iconURL)
        participants = try container.decodeIfPresent([Member].self, forKey: .participants) ?? []
    }

    /// Nil for what does not say that it is a group.
    init?(ifPresentIn decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard try container.decodeIfPresent(Bool.self, forKey: .isGroup) == true else { return nil }
        try self.init(from: decoder)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(true, forKey: .isGroup)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(iconURL, forKey: .iconURL)
        try container.encode(participants, forKey: .participants)
    }
}
