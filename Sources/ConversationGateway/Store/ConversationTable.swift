import Conversations
import Foundation
import GRDB

struct StoredConversation: Sendable, Hashable {
    var row: Int64
    var numberRow: Int64
    var agentRow: Int64?
    /// Without its preview, which only lists show.
    var conversation: Conversation
}

enum ConversationTable {
    /// How much of a message a list shows. The documentation names no length.
    static let previewLength = 100

    private static let columns = """
        SELECT c.row, c.number_row, c.agent_row, c.id, agent.id, number.id, number.phone_number, c.participant,
            c.last_message_at, c.message_count, c.metadata, c.created_at, c.last_message_preview,
            chat_group.id, chat_group.name, chat_group.members
        """
    private static let joins = """
        JOIN number ON number.row = c.number_row LEFT JOIN agent ON agent.row = c.agent_row
        LEFT JOIN chat_group ON chat_group.conversation_row = c.row
        """

    static func find(_ database: Database, id: Conversation.ID) throws -> StoredConversation? {
        let statement = try database.cachedStatement(sql: "\(columns) FROM conversation c \(joins) WHERE c.id = ?")
        return try Row.fetchOne(statement, arguments: [id.rawValue]).map { try StoredConversation($0) }
    }

    static func find(_ database: Database, row: Int64) throws -> StoredConversation? {
        let statement = try database.cachedStatement(sql: "\(columns) FROM conversation c \(joins) WHERE c.row = ?")
        return try Row.fetchOne(statement, arguments: [row]).map { try StoredConversation($0) }
    }

    static func find(_ database: Database, numberRow: Int64, participant: String) throws -> StoredConversation? {
        let statement = try database.cachedStatement(
            sql: "\(columns) FROM conversation c \(joins) WHERE c.number_row = ? AND c.participant = ?")
        return try Row.fetchOne(statement, arguments: [numberRow, participant]).map { try StoredConversation($0) }
    }

    /// The conversations of a participant with any number, groups too, found by way of the numbers, which are few.
    static func rows(_ database: Database, participant: String) throws -> [Int64] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT c.row FROM number CROSS JOIN conversation c
                WHERE c.number_row = number.row AND c.participant = ? ORDER BY c.row
                """)
        let groups = try database.cachedStatement(
            sql: """
                SELECT conversation_row FROM chat_group
                WHERE EXISTS (SELECT 1 FROM json_each(members) WHERE value = ?)
                """)
        return try Int64.fetchAll(statement, arguments: [participant])
            + Int64.fetchAll(groups, arguments: [participant])
    }

    /// The conversation of a number with a participant, made if there is none.
    ///
    /// - Parameter id: The id for a new one; made up if nil.
    static func findOrInsert(
        _ database: Database, number: StoredNumber, participant: String, at now: Timestamp, id: Conversation.ID? = nil
    ) throws -> StoredConversation {
        if let found = try find(database, numberRow: number.row, participant: participant) { return found }
        let id = id ?? Conversation.ID(Names.id("conv", at: now.microseconds))
        // As its messages have it: the first one is not to be earlier than the conversation.
        let now = now.wholeMilliseconds
        try database.cachedStatement(
            sql: """
                INSERT INTO conversation (id, agent_row, number_row, participant, active_at, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id.rawValue, number.agentRow, number.row, participant, now.microseconds, now.microseconds,
        ])
        return StoredConversation(
            row: database.lastInsertedRowID, numberRow: number.row, agentRow: number.agentRow,
            conversation: Conversation(
                id: id, agentID: number.agentID, phoneNumberID: number.id, phoneNumber: number.phoneNumber,
                participant: participant, lastMessageAt: nil, messageCount: 0, metadata: nil, createdAt: now))
    }

    /// A page by latest activity; conversations active at the same instant come in the order of their making, latest
    /// first. The rows to skip are counted in an index alone.
    static func page(
        _ database: Database, agentRow: Int64? = nil, limit: Int, offset: Int
    ) throws -> ConversationPage {
        let scope = agentRow == nil ? "" : "WHERE agent_row = ?"
        let statement = try database.cachedStatement(
            sql: """
                \(columns)
                FROM (
                    SELECT row FROM conversation \(scope) ORDER BY active_at DESC, row DESC LIMIT ? OFFSET ?
                ) AS page JOIN conversation c ON c.row = page.row \(joins)
                ORDER BY c.active_at DESC, c.row DESC
                """)
        var arguments: StatementArguments = agentRow.map { [$0] } ?? []
        arguments += [limit, offset]
        let data = try Row.fetchAll(statement, arguments: arguments).map { row in
            var conversation = try StoredConversation(row).conversation
            conversation.lastMessagePreview = row[12]
            return conversation
        }
        let total = try count(database, agentRow: agentRow)
        return ConversationPage(data: data, hasMore: offset < total && offset + data.count < total, total: total)
    }

    /// Starts a group and its conversation.
    static func insertGroup(
        _ database: Database, number: StoredNumber, members: [String], at now: Timestamp
    ) throws -> StoredConversation {
        let id = Names.id("grp", at: now.microseconds)
        let conversation = try findOrInsert(database, number: number, participant: id, at: now)
        try database.cachedStatement(sql: "INSERT INTO chat_group (id, conversation_row, members) VALUES (?, ?, ?)")
            .execute(arguments: [id, conversation.row, String(decoding: try JSON.encode(members), as: UTF8.self)])
        return try find(database, row: conversation.row) ?? conversation
    }

    static func setGroupName(_ database: Database, row: Int64, _ name: String) throws {
        try database.cachedStatement(sql: "UPDATE chat_group SET name = ? WHERE conversation_row = ?")
            .execute(arguments: [name, row])
    }

    static func setMetadata(_ database: Database, row: Int64, _ metadata: Metadata?) throws {
        let text = try metadata.map { String(decoding: try JSON.encode($0), as: UTF8.self) }
        try database.cachedStatement(sql: "UPDATE conversation SET metadata = ? WHERE row = ?")
            .execute(arguments: [text, row])
    }

    /// Notes that a message was added.
    static func recordActivity(_ database: Database, row: Int64, at instant: Timestamp, preview: String) throws {
        try database.cachedStatement(
            sql: """
                UPDATE conversation SET message_count = message_count + 1, last_message_at = ?1, active_at = ?1,
                    last_message_preview = ?2
                WHERE row = ?3
                """
        ).execute(arguments: [instant.microseconds, String(preview.prefix(previewLength)), row])
    }

    private static func count(_ database: Database, agentRow: Int64?) throws -> Int {
        if let agentRow {
            let statement = try database.cachedStatement(sql: "SELECT COUNT(*) FROM conversation WHERE agent_row = ?")
            return try Int.fetchOne(statement, arguments: [agentRow]) ?? 0
        }
        let statement = try database.cachedStatement(sql: "SELECT count FROM tally WHERE name = 'conversation'")
        return try Int.fetchOne(statement) ?? 0
    }
}

extension StoredConversation {
    fileprivate init(_ row: Row) throws {
        let metadata: String? = row[10]
        try self.init(
            row: row[0], numberRow: row[1], agentRow: row[2],
            conversation: Conversation(
                id: Conversation.ID(row[3]), agentID: row[4], phoneNumberID: row[5], phoneNumber: row[6],
                participant: row[7], lastMessageAt: (row[8] as Int64?).map(Timestamp.init(microseconds:)),
                messageCount: row[9], metadata: metadata.map { try JSON.decode(Metadata.self, from: Data($0.utf8)) },
                createdAt: Timestamp(microseconds: row[11]), group: ConversationGroup(row)))
    }
}

extension ConversationGroup {
    fileprivate init?(_ row: Row) throws {
        guard let id = row[13] as String?, let members = row[15] as String? else { return nil }
        let addresses = try JSON.decode([String].self, from: Data(members.utf8))
        self.init(id: id, name: row[14], participants: addresses.map { Member(identifier: $0) })
    }
}
