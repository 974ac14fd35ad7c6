import Conversations
import Foundation
import GRDB

/// A message about to be stored: what the sender decides.
struct MessageDraft: Sendable, Hashable {
    var direction: Direction
    var channel: Channel
    var from: String
    var to: String
    var body: String
    var mediaURLs: [String] = []
    var replyTo: Message.ID?
    var sendStyle: String?
    /// Who of a group wrote it.
    var sender: String?
    /// The id; made up if nil.
    var id: Message.ID?
}

struct StoredMessage: Sendable, Hashable {
    var row: Int64
    var conversationRow: Int64
    var message: Message
}

enum MessageTable {
    private static let select = """
        SELECT row, conversation_row, id, body, from_number, to_number, direction, channel, media_urls, received_at,
            sender, reply_to,
            (SELECT json_array(body, json(media_urls)) FROM message target WHERE target.id = message.reply_to)
        FROM message
        """

    /// Adds a message to the end of its conversation.
    ///
    /// Its `receivedAt` is `now` in whole milliseconds, or a millisecond after the message before it where that is
    /// later: within a conversation the instants are strictly increasing, so that paging by time, which is all that
    /// the API offers, neither skips nor repeats a message.
    static func append(
        _ database: Database, to stored: inout StoredConversation, _ draft: MessageDraft, at now: Timestamp,
        links: MediaLinks
    ) throws -> StoredMessage {
        let earliest = stored.conversation.lastMessageAt?.advanced(by: .milliseconds(1)) ?? now.wholeMilliseconds
        let receivedAt = max(now.wholeMilliseconds, earliest)
        let id = draft.id ?? Message.ID(Names.id("msg", at: receivedAt.microseconds))
        let urls = draft.mediaURLs.map(links.shortened)
        try database.cachedStatement(
            sql: """
                INSERT INTO message (id, conversation_row, number_row, direction, channel, from_number, to_number,
                    body, media_urls, reply_to, send_style, sender, received_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id.rawValue, stored.row, stored.numberRow, draft.direction.rawValue, draft.channel.rawValue, draft.from,
            draft.to, draft.body, urls.isEmpty ? nil : String(decoding: try JSON.encode(urls), as: UTF8.self),
            draft.replyTo?.rawValue, draft.sendStyle, draft.sender, receivedAt.microseconds,
        ])
        let row = database.lastInsertedRowID
        try ConversationTable.recordActivity(database, row: stored.row, at: receivedAt, preview: draft.body)
        stored.conversation.lastMessageAt = receivedAt
        stored.conversation.messageCount += 1
        return StoredMessage(
            row: row, conversationRow: stored.row,
            message: Message(
                id: id, body: draft.body, fromNumber: draft.from, toNumber: draft.to, direction: draft.direction,
                channel: draft.channel, mediaURLs: draft.mediaURLs, receivedAt: receivedAt,
                senderIdentifier: draft.sender))
    }

    static func find(_ database: Database, id: Message.ID, links: MediaLinks) throws -> StoredMessage? {
        let statement = try database.cachedStatement(sql: select + " WHERE id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id.rawValue]) else { return nil }
        return try withReactions(database, [StoredMessage(row, links: links)])[0]
    }

    /// A conversation's messages within the bounds, which themselves are outside, newest first.
    static func page(
        _ database: Database, conversationRow: Int64, limit: Int, before: Timestamp? = nil, after: Timestamp? = nil,
        links: MediaLinks
    ) throws -> MessagePage {
        let statement = try database.cachedStatement(
            sql: select + """
                 WHERE conversation_row = ? AND received_at < ? AND received_at > ?
                ORDER BY received_at DESC LIMIT ?
                """)
        let rows = try Row.fetchAll(
            statement,
            arguments: [
                conversationRow, before?.microseconds ?? Int64.max, after?.microseconds ?? Int64.min, limit + 1,
            ])
        let messages = try rows.prefix(limit).map { try StoredMessage($0, links: links) }
        return MessagePage(data: try withReactions(database, messages).map(\.message), hasMore: rows.count > limit)
    }

    /// A number's messages of all its conversations, newest first.
    ///
    /// Messages of different conversations may share an instant. A page ends before an instant that it cannot hold
    /// whole, so the next one, which can only be asked for by time, neither skips nor repeats; only more messages at
    /// one instant than fit a page would be cut.
    static func page(
        _ database: Database, numberRow: Int64, limit: Int, before: Timestamp? = nil, after: Timestamp? = nil,
        links: MediaLinks
    ) throws -> MessagePage {
        let statement = try database.cachedStatement(
            sql: select + """
                 WHERE number_row = ? AND received_at < ? AND received_at > ?
                ORDER BY received_at DESC, row DESC LIMIT ?
                """)
        let rows = try Row.fetchAll(
            statement,
            arguments: [numberRow, before?.microseconds ?? Int64.max, after?.microseconds ?? Int64.min, limit + 1])
        let messages = try rows.map { try StoredMessage($0, links: links).message }
        guard messages.count > limit, let next = messages.last else {
            return MessagePage(data: messages, hasMore: false)
        }
        let whole = messages.prefix { $0.receivedAt > next.receivedAt }
        return MessagePage(data: Array(whole.isEmpty ? messages.prefix(limit) : whole), hasMore: true)
    }

    private static func withReactions(_ database: Database, _ messages: [StoredMessage]) throws -> [StoredMessage] {
        let candidates = messages.filter { $0.message.channel?.supportsReactions == true }.map(\.row)
        guard !candidates.isEmpty else { return messages }
        let reactions = try ReactionTable.fetch(database, messageRows: candidates)
        return messages.map { stored in
            var stored = stored
            stored.message.reactions = reactions[stored.row] ?? []
            return stored
        }
    }
}

extension Timestamp {
    var wholeMilliseconds: Timestamp {
        Timestamp(microseconds: microseconds - (microseconds % 1000 + 1000) % 1000)
    }
}

extension StoredMessage {
    fileprivate init(_ row: Row, links: MediaLinks) throws {
        let media: String? = row[8]
        let urls = try media.map { try JSON.decode([String].self, from: Data($0.utf8)) } ?? []
        let target: String? = row[12]
        let targetParts = try target.map { try JSONValue(parsing: Data($0.utf8)) }
        let replyTo = (row[11] as String?).map { ReplyTarget(id: $0, parts: targetParts, links: links) }
        self.init(
            row: row[0], conversationRow: row[1],
            message: Message(
                id: Message.ID(row[2]), body: row[3], fromNumber: row[4], toNumber: row[5],
                direction: Direction(rawValue: row[6]), channel: Channel(rawValue: row[7]),
                mediaURLs: urls.map(links.expanded), receivedAt: Timestamp(microseconds: row[9]),
                senderIdentifier: row[10], replyTo: replyTo))
    }
}

extension ReplyTarget {
    /// - Parameter parts: The target's text and its list of media, or null for none.
    fileprivate init(id: String, parts: JSONValue?, links: MediaLinks) {
        guard case .array(let items)? = parts, items.count == 2 else {
            self.init(messageID: Message.ID(id), message: "")
            return
        }
        var urls: [String] = []
        if case .array(let media) = items[1] { urls = media.compactMap(\.string).map(links.expanded) }
        self.init(messageID: Message.ID(id), message: items[0].string ?? "", mediaURLs: urls)
    }
}

enum ReactionTable {
    /// Puts a reaction on a message, in the place of an earlier one of the same sender, as tapbacks do.
    static func put(
        _ database: Database, messageRow: Int64, type: ReactionType, from: String, direction: Direction,
        at now: Timestamp
    ) throws -> MessageReaction {
        let instant = now.wholeMilliseconds
        let reaction = MessageReaction(
            id: MessageReaction.ID(Names.id("rxn", at: now.microseconds)), reactionType: type, fromNumber: from,
            direction: direction, createdAt: instant)
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO reaction (id, message_row, type, from_number, direction, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            reaction.id.rawValue, messageRow, type.rawValue, from, direction.rawValue, instant.microseconds,
        ])
        return reaction
    }

    /// The reactions of these messages, oldest first.
    static func fetch(_ database: Database, messageRows: [Int64]) throws -> [Int64: [MessageReaction]] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT message_row, id, type, from_number, direction, created_at FROM reaction
                WHERE message_row IN (SELECT value FROM json_each(?)) ORDER BY row
                """)
        let rows = try Row.fetchAll(
            statement, arguments: [String(decoding: try JSON.encode(messageRows), as: UTF8.self)])
        return Dictionary(grouping: rows, by: { $0[0] as Int64 }).mapValues { rows in
            rows.map { row in
                MessageReaction(
                    id: MessageReaction.ID(row[1]), reactionType: ReactionType(rawValue: row[2]), fromNumber: row[3],
                    direction: Direction(rawValue: row[4]), createdAt: Timestamp(microseconds: row[5]))
            }
        }
    }
}
