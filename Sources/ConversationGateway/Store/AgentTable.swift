import Conversations
import Foundation
import GRDB

/// An agent, with its numbers. Source: AgentPhone API reference, agents; voice settings are left out.
struct Agent: Sendable, Hashable, Encodable {
    enum VoiceMode: String, Sendable, Codable, CaseIterable { case webhook, hosted }

    struct Number: Sendable, Hashable, Encodable {
        var id: String
        var phoneNumber: String
        var status = "active"
        var type = "sms"
    }

    var id: String
    var name: String
    var description: String?
    var voiceMode: VoiceMode
    var enableMessaging: Bool
    var createdAt: Timestamp
    var numbers: [Number] = []

    private enum CodingKeys: String, CodingKey {
        case id, name, description, voiceMode, enableMessaging, createdAt, numbers
    }

    /// Writes `description` also where it is null.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(description, forKey: .description)
        try container.encode(voiceMode, forKey: .voiceMode)
        try container.encode(enableMessaging, forKey: .enableMessaging)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(numbers, forKey: .numbers)
    }
}

/// What of an agent is kept as JSON.
private struct AgentSettings: Codable {
    var voiceMode: Agent.VoiceMode?
    var enableMessaging: Bool?
}

enum AgentTable {
    private static let select = "SELECT row, id, name, description, settings, created_at FROM agent"

    static func exists(_ database: Database, id: String) throws -> Bool {
        try row(database, id: id) != nil
    }

    static func row(_ database: Database, id: String) throws -> Int64? {
        try Int64.fetchOne(database.cachedStatement(sql: "SELECT row FROM agent WHERE id = ?"), arguments: [id])
    }

    static func find(_ database: Database, id: String) throws -> Agent? {
        let statement = try database.cachedStatement(sql: select + " WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id]).map { try agent(database, $0) }
    }

    /// Agents in the order of their making.
    static func page(_ database: Database, limit: Int, offset: Int) throws -> (data: [Agent], total: Int) {
        let statement = try database.cachedStatement(sql: select + " ORDER BY row LIMIT ? OFFSET ?")
        let data = try Row.fetchAll(statement, arguments: [limit, offset]).map { try agent(database, $0) }
        let total = try Int.fetchOne(database.cachedStatement(sql: "SELECT COUNT(*) FROM agent")) ?? 0
        return (data, total)
    }

    /// - Returns: The new agent's row.
    @discardableResult
    static func insert(_ database: Database, _ agent: Agent) throws -> Int64 {
        try database.cachedStatement(
            sql: "INSERT INTO agent (id, name, description, settings, created_at) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [
            agent.id, agent.name, agent.description, try settings(of: agent), agent.createdAt.microseconds,
        ])
        return database.lastInsertedRowID
    }

    static func update(_ database: Database, _ agent: Agent) throws {
        try database.cachedStatement(
            sql: "UPDATE agent SET name = ?, description = ?, settings = ? WHERE id = ?"
        ).execute(arguments: [agent.name, agent.description, try settings(of: agent), agent.id])
    }

    /// Removes an agent; its conversations stay, without an agent, and its numbers are free.
    static func delete(_ database: Database, id: String) throws {
        try database.cachedStatement(sql: "DELETE FROM agent WHERE id = ?").execute(arguments: [id])
    }

    private static func settings(of agent: Agent) throws -> String {
        let settings = AgentSettings(voiceMode: agent.voiceMode, enableMessaging: agent.enableMessaging)
        return String(decoding: try JSON.encode(settings), as: UTF8.self)
    }

    private static func agent(_ database: Database, _ row: Row) throws -> Agent {
        let text: String = row[4]
        let settings = try JSON.decode(AgentSettings.self, from: Data(text.utf8))
        let numbers = try NumberTable.all(database, ofAgent: row[0])
        return Agent(
            id: row[1], name: row[2], description: row[3], voiceMode: settings.voiceMode ?? .webhook,
            enableMessaging: settings.enableMessaging ?? true, createdAt: Timestamp(microseconds: row[5]),
            numbers: numbers.map { Agent.Number(id: $0.id, phoneNumber: $0.phoneNumber) })
    }
}
