/// Where events are delivered. Source: AgentPhone API reference, webhooks.
public struct Webhook: Sendable, Hashable, Identifiable {
    public typealias ID = Identifier<Webhook>

    public var id: ID
    public var url: String
    /// The signing key, used whole, its `whsec_` included.
    public var secret: String
    public var status: String
    /// How many earlier messages a delivery carries: 0 to 50.
    public var contextLimit: Int
    /// Seconds that a delivery may take: 5 to 120.
    public var timeout: Int
    public var createdAt: Timestamp

    public init(
        id: ID, url: String, secret: String, status: String, contextLimit: Int, timeout: Int, createdAt: Timestamp
    ) {
        self.id = id
        self.url = url
        self.secret = secret
        self.status = status
        self.contextLimit = contextLimit
        self.timeout = timeout
        self.createdAt = createdAt
    }

    /// Source: AgentPhone guide "Webhooks".
    public static let defaultContextLimit = 10
    /// Source: AgentPhone guide "Webhooks".
    public static let defaultTimeout = 30
}

extension Webhook: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(ID.self, forKey: .id)
        url = try container.decode(String.self, forKey: .url)
        secret = try container.decode(String.self, forKey: .secret)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "active"
        contextLimit = try container.decodeIfPresent(Int.self, forKey: .contextLimit) ?? Self.defaultContextLimit
        timeout = try container.decodeIfPresent(Int.self, forKey: .timeout) ?? Self.defaultTimeout
        createdAt = try container.decode(Timestamp.self, forKey: .createdAt)
    }
}

/// The body of `POST /v1/webhooks`; what is left out takes its default, not its former value.
public struct WebhookRequest: Sendable, Hashable, Codable {
    public var url: String
    public var contextLimit: Int?
    public var timeout: Int?

    public init(url: String, contextLimit: Int? = nil, timeout: Int? = nil) {
        self.url = url
        self.contextLimit = contextLimit
        self.timeout = timeout
    }
}
