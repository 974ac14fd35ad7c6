import Foundation
import GRDB

/// What a gateway's database is filled with before it is measured: conversations of 100 messages each, whose messages
/// came by turns, so that those of one conversation lie far apart.
struct GatewayFilling: Sendable {
    static let messagesEach = 100
    /// Half a second between two messages.
    private static let pause: Int64 = 500_000
    private static let start: Int64 = 1_700_000_000_000_000

    let conversations: Int

    init(messages: Int) { conversations = max(1, messages / Self.messagesEach) }

    func conversationID(_ index: Int) -> String { "conv_" + Self.padded(index) }

    /// The id of an inbound message.
    func messageID(_ conversation: Int, _ turn: Int) -> String {
        "msg_" + Self.padded(turn * conversations + conversation)
    }

    /// When a message came, in microseconds since 1970.
    func time(_ conversation: Int, _ turn: Int) -> Int64 {
        Self.start + Int64(turn * conversations + conversation) * Self.pause
    }

    func participant(_ index: Int) -> String { "+1555" + String(format: "%07d", index) }

    func fill(_ folder: URL) throws {
        let queue = try DatabaseQueue(path: folder.appending(path: "gateway.sqlite").path)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = OFF")
            try database.inTransaction {
                try fillConversations(database)
                return .commit
            }
            for turn in 0..<Self.messagesEach {
                try database.inTransaction {
                    try fillMessages(database, turn)
                    return .commit
                }
            }
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        try queue.close()
    }

    private func fillConversations(_ database: Database) throws {
        let statement = try database.makeStatement(
            sql: """
                INSERT INTO conversation (id, agent_row, number_row, participant, metadata, message_count,
                    last_message_at, last_message_preview, active_at, created_at)
                VALUES (?1, 1, 1, ?2, '{"topic":"orders","vip":true}', ?3, ?4, 'How is it going?', ?4, ?5)
                """)
        for index in 0..<conversations {
            try statement.execute(arguments: [
                conversationID(index), participant(index), Self.messagesEach, time(index, Self.messagesEach - 1),
                time(index, 0),
            ])
        }
    }

    private func fillMessages(_ database: Database, _ turn: Int) throws {
        let statement = try database.makeStatement(
            sql: """
                INSERT INTO message (id, conversation_row, number_row, direction, channel, from_number, to_number, body,
                    received_at)
                VALUES (?, ?, 1, 'inbound', 'imessage', ?, '+15551234567', ?, ?)
                """)
        for index in 0..<conversations {
            try statement.execute(arguments: [
                messageID(index, turn), index + 1, participant(index),
                "Message \(turn) of a conversation about an order that has not come yet", time(index, turn),
            ])
        }
    }

    private static func padded(_ value: Int) -> String { String(format: "%012d", value) }
}
