import Conversations
import Foundation

/// The body of `POST` and `PATCH /v1/agents`; voice settings besides the mode are accepted and not kept.
struct AgentBody: Decodable, Sendable {
    var name: String?
    /// Nil where the key is absent; null clears.
    var description: String??
    var voiceMode: Agent.VoiceMode?
    var enableMessaging: Bool?

    private enum Key: String, CodingKey { case name, description, voiceMode, enableMessaging }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        name = try container.decodeIfPresent(String.self, forKey: .name)
        description =
            container.contains(.description)
            ? .some(try container.decodeIfPresent(String.self, forKey: .description)) : nil
        enableMessaging = try container.decodeIfPresent(Bool.self, forKey: .enableMessaging)
        guard let mode = try container.decodeIfPresent(String.self, forKey: .voiceMode) else { return }
        voiceMode = Agent.VoiceMode(rawValue: mode)
        guard voiceMode != nil else {
            throw DecodingError.dataCorruptedError(
                forKey: .voiceMode, in: container, debugDescription: "must be webhook or hosted")
        }
    }

    func check() throws(APIError) {
        if let name {
            guard !name.isEmpty else { throw .invalid("name", "must not be empty") }
            try checkText(name, field: "name")
        }
        if case .some(.some(let description)) = description { try checkText(description, field: "description") }
    }

    func apply(to agent: inout Agent) {
        if let name { agent.name = name }
        if let description { agent.description = description }
        if let voiceMode { agent.voiceMode = voiceMode }
        if let enableMessaging { agent.enableMessaging = enableMessaging }
    }
}

extension Gateway {
    func agents(limit: Int, offset: Int) async throws(APIError) -> AgentPage {
        let page = try await store.read { try AgentTable.page($0, limit: limit, offset: offset) }
        return AgentPage(data: page.data, total: page.total)
    }

    func agent(_ id: String) async throws(APIError) -> Agent {
        try await store.read { database in
            guard let agent = try AgentTable.find(database, id: id) else { throw APIError.notFound("Agent") }
            return agent
        }
    }

    func createAgent(_ body: AgentBody) async throws(APIError) -> Agent {
        try body.check()
        guard let name = body.name else { throw .invalid("name", "is missing") }
        let now = timestamp
        var agent = Agent(
            id: Names.id("agt", at: now.microseconds), name: name, description: nil, voiceMode: .webhook,
            enableMessaging: true, createdAt: now.wholeMilliseconds)
        body.apply(to: &agent)
        return try await store.write { [agent] database in
            try AgentTable.insert(database, agent)
            return agent
        }
    }

    func updateAgent(_ id: String, _ body: AgentBody) async throws(APIError) -> Agent {
        try body.check()
        return try await store.write { database in
            guard var agent = try AgentTable.find(database, id: id) else { throw APIError.notFound("Agent") }
            body.apply(to: &agent)
            try AgentTable.update(database, agent)
            return agent
        }
    }

    /// Its conversations stay, without an agent. Source: AgentPhone API reference, "Delete agent".
    func deleteAgent(_ id: String) async throws(APIError) {
        try await store.write { database in
            guard try AgentTable.exists(database, id: id) else { throw APIError.notFound("Agent") }
            try WebhookTable.delete(database, .agent(id))
            try DeliveryTable.abandon(database, .agent(id))
            try AgentTable.delete(database, id: id)
        }
    }

    func conversations(ofAgent id: String, limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        try await store.read { database in
            guard let row = try AgentTable.row(database, id: id) else { throw APIError.notFound("Agent") }
            return try ConversationTable.page(database, agentRow: row, limit: limit, offset: offset)
        }
    }

    /// A number belongs to one agent; one that another agent has must be detached there first.
    /// Source: AgentPhone reference "FAQ"; the 409 is our choice.
    func attach(number numberID: String, toAgent id: String) async throws(APIError) -> StoredNumber {
        try await store.write { database in
            guard let agent = try AgentTable.row(database, id: id) else { throw APIError.notFound("Agent") }
            guard var number = try NumberTable.find(database, id: numberID) else {
                throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND")
            }
            guard number.agentID == nil || number.agentID == id else {
                throw APIError(
                    .conflict, "The number belongs to another agent.", status: 409, serverCode: "NUMBER_ATTACHED")
            }
            try NumberTable.setAgent(database, number, agentRow: agent)
            number.agentID = id
            return number
        }
    }

    func detach(number numberID: String, fromAgent id: String) async throws(APIError) {
        try await store.write { database in
            guard try AgentTable.exists(database, id: id) else { throw APIError.notFound("Agent") }
            guard let number = try NumberTable.find(database, id: numberID), number.agentID == id else {
                throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND")
            }
            try NumberTable.setAgent(database, number, agentRow: nil)
        }
    }

    func requireAgent(_ id: String) async throws(APIError) -> WebhookScope {
        try await store.read { database in
            guard try AgentTable.exists(database, id: id) else { throw APIError.notFound("Agent") }
            return .agent(id)
        }
    }
}

/// No `hasMore`: the API reference has none for agents.
struct AgentPage: Sendable, Hashable, Encodable {
    var data: [Agent]
    var total: Int
}

/// A page of an agent's conversations, whose items are without metadata. Source: AgentPhone API reference.
struct AgentConversationPage: Encodable {
    struct Item: Encodable {
        var conversation: Conversation

        private enum CodingKeys: String, CodingKey {
            case id, agentId, phoneNumberId, phoneNumber, participant, lastMessageAt, lastMessagePreview, messageCount
            case createdAt
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(conversation.id, forKey: .id)
            try container.encode(conversation.agentID, forKey: .agentId)
            try container.encode(conversation.phoneNumberID, forKey: .phoneNumberId)
            try container.encode(conversation.phoneNumber, forKey: .phoneNumber)
            try container.encode(conversation.participant, forKey: .participant)
            try container.encode(conversation.lastMessageAt, forKey: .lastMessageAt)
            try container.encode(conversation.lastMessagePreview, forKey: .lastMessagePreview)
            try container.encode(conversation.messageCount, forKey: .messageCount)
            try container.encode(conversation.createdAt, forKey: .createdAt)
        }
    }

    var data: [Item]
    var hasMore: Bool
    var total: Int

    init(_ page: ConversationPage) {
        data = page.data.map(Item.init)
        hasMore = page.hasMore
        total = page.total
    }
}
