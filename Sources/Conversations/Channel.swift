/// How a message was delivered.
///
/// An open set: the API has gained channels before (`whatsapp`, `rcs`), and one that is unknown here must not
/// lose a message. Source: AgentPhone guide "Conversations", message fields.
public struct Channel: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let sms = Channel(rawValue: "sms")
    public static let mms = Channel(rawValue: "mms")
    public static let imessage = Channel(rawValue: "imessage")
    public static let voice = Channel(rawValue: "voice")

    /// Whether tapbacks can be sent. Source: AgentPhone guide "Conversations", capabilities.
    public var supportsReactions: Bool { self == .imessage }

    public var description: String { rawValue }
}

/// Which way a message went, seen from the agent's number. An open set, since calls may say `web`.
public struct Direction: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let inbound = Direction(rawValue: "inbound")
    public static let outbound = Direction(rawValue: "outbound")

    public var description: String { rawValue }
}

/// What someone put on a message: a tapback, or, on newer lines, an emoji of their own.
public struct ReactionType: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let love = ReactionType(rawValue: "love")
    public static let like = ReactionType(rawValue: "like")
    public static let dislike = ReactionType(rawValue: "dislike")
    public static let laugh = ReactionType(rawValue: "laugh")
    public static let emphasize = ReactionType(rawValue: "emphasize")
    public static let question = ReactionType(rawValue: "question")

    /// The six that can be sent. Source: AgentPhone guide "Conversations", "Send a reaction".
    public static let tapbacks: [ReactionType] = [.love, .like, .dislike, .laugh, .emphasize, .question]

    public var description: String { rawValue }
}
