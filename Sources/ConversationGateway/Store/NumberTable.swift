import Conversations
import GRDB

/// One of the project's own numbers.
struct StoredNumber: Sendable, Hashable {
    var row: Int64
    var id: String
    var phoneNumber: String
    var agentRow: Int64?
    var agentID: String?
    var country: String
    var supportsIMessage: Bool
    /// Whether 10DLC lets it send SMS.
    var isRegisteredForSMS: Bool
    var createdAt: Timestamp
}

enum NumberTable {
    private static let select = """
        SELECT number.row, number.id, number.phone_number, number.agent_row, agent.id, number.country,
            number.imessage, number.sms_registered, number.created_at
        FROM number LEFT JOIN agent ON agent.row = number.agent_row
        WHERE number.status = 'active'
        """

    static func find(_ database: Database, phoneNumber: String) throws -> StoredNumber? {
        try fetch(database, "AND number.phone_number = ?", [phoneNumber])
    }

    static func find(_ database: Database, id: String) throws -> StoredNumber? {
        try fetch(database, "AND number.id = ?", [id])
    }

    /// The agent's first number: sends that name an agent go out from it.
    static func first(_ database: Database, ofAgent id: String) throws -> StoredNumber? {
        try fetch(database, "AND agent.id = ? ORDER BY number.row LIMIT 1", [id])
    }

    /// The project's oldest number: phones text it unless they say otherwise.
    static func first(_ database: Database) throws -> StoredNumber? {
        try fetch(database, "ORDER BY number.row LIMIT 1", [])
    }

    /// - Throws: ``APIError`` 404 where there is no such number, or none at all.
    static func find(_ database: Database, phoneNumberOrFirst text: String?) throws -> StoredNumber {
        let found = try text.map { try find(database, phoneNumber: $0) } ?? first(database)
        guard let found else { throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND") }
        return found
    }

    static func find(_ database: Database, row: Int64) throws -> StoredNumber? {
        try fetch(database, "AND number.row = ?", [row])
    }

    /// The project's numbers, oldest first.
    static func page(_ database: Database, limit: Int, offset: Int) throws -> (data: [StoredNumber], total: Int) {
        let statement = try database.cachedStatement(sql: select + " ORDER BY number.row LIMIT ? OFFSET ?")
        let data = try Row.fetchAll(statement, arguments: [limit, offset]).map(StoredNumber.init)
        let count = try database.cachedStatement(sql: "SELECT COUNT(*) FROM number WHERE status = 'active'")
        return (data, try Int.fetchOne(count) ?? 0)
    }

    static func all(_ database: Database, ofAgent row: Int64) throws -> [StoredNumber] {
        let statement = try database.cachedStatement(
            sql: select + " AND number.agent_row = ? ORDER BY number.row")
        return try Row.fetchAll(statement, arguments: [row]).map(StoredNumber.init)
    }

    static func setAgent(_ database: Database, _ number: StoredNumber, agentRow: Int64?) throws {
        try database.cachedStatement(sql: "UPDATE number SET agent_row = ? WHERE row = ?")
            .execute(arguments: [agentRow, number.row])
    }

    static func setAbilities(_ database: Database, _ number: StoredNumber) throws {
        try database.cachedStatement(sql: "UPDATE number SET imessage = ?, sms_registered = ? WHERE row = ?")
            .execute(arguments: [number.supportsIMessage, number.isRegisteredForSMS, number.row])
    }

    /// Gives a number up: it is listed no more, and its conversations stay.
    static func release(_ database: Database, _ number: StoredNumber) throws {
        try database.cachedStatement(sql: "UPDATE number SET status = 'released', agent_row = NULL WHERE row = ?")
            .execute(arguments: [number.row])
    }

    /// Whether this number is or was the project's: its conversations would be found under it.
    static func isTaken(_ database: Database, phoneNumber: String) throws -> Bool {
        let statement = try database.cachedStatement(sql: "SELECT COUNT(*) FROM number WHERE phone_number = ?")
        return try (Int.fetchOne(statement, arguments: [phoneNumber]) ?? 0) > 0
    }

    static func insert(_ database: Database, _ number: StoredNumber) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO number (id, phone_number, agent_row, country, imessage, sms_registered, status, created_at)
                VALUES (?, ?, ?, ?, ?, ?, 'active', ?)
                """
        ).execute(arguments: [
            number.id, number.phoneNumber, number.agentRow, number.country, number.supportsIMessage,
            number.isRegisteredForSMS, number.createdAt.microseconds,
        ])
    }

    private static func fetch(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> StoredNumber? {
        let statement = try database.cachedStatement(sql: select + " " + condition)
        return try Row.fetchOne(statement, arguments: arguments).map(StoredNumber.init)
    }
}

extension StoredNumber {
    init(_ row: Row) {
        self.init(
            row: row[0], id: row[1], phoneNumber: row[2], agentRow: row[3], agentID: row[4], country: row[5],
            supportsIMessage: row[6], isRegisteredForSMS: row[7], createdAt: Timestamp(microseconds: row[8]))
    }
}

enum SettingTable {
    static func value(_ database: Database, _ name: String) throws -> String? {
        try String.fetchOne(
            database.cachedStatement(sql: "SELECT value FROM setting WHERE name = ?"), arguments: [name])
    }

    static func set(_ database: Database, _ name: String, _ value: String) throws {
        try database.cachedStatement(
            sql: "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ).execute(arguments: [name, value])
    }

    private static let deliver = "webhooks.deliver"

    /// Whether events become deliveries; off, they are lost to webhooks and left to polling.
    static func deliversWebhooks(_ database: Database) throws -> Bool {
        try value(database, deliver) != "false"
    }

    static func setDeliversWebhooks(_ database: Database, _ value: Bool) throws {
        try set(database, deliver, value ? "true" : "false")
    }

    private static let shuffle = "webhooks.shuffle"

    static func shufflesWebhooks(_ database: Database) throws -> Bool {
        try value(database, shuffle) == "true"
    }

    static func setShufflesWebhooks(_ database: Database, _ value: Bool) throws {
        try set(database, shuffle, value ? "true" : "false")
    }
}
