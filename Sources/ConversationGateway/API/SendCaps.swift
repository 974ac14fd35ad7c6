import Conversations
import GRDB

/// How often may be sent to whom. Past a cap, a send answers 429 with a code of its own and without `Retry-After`:
/// waiting does not help, unlike with ``RateLimit``.
///
/// The codes are those that AgentPhone's clients list; which number stands behind each is published for new
/// conversations alone, 50 a day (source: AgentPhone reference "Messaging rate limits"). Nil sets no cap.
public struct SendCaps: Sendable, Hashable {
    /// Messages to someone who has never written: `CONVERSATION_AWAITING_REPLY`.
    public var beforeReply: Int?
    /// Messages in a row to someone who has written: `CONVERSATION_STREAK_LIMIT`.
    public var streak: Int?
    /// How long ago someone who has written may have done so last: `CONVERSATION_INACTIVE`.
    public var inactivity: Duration?
    /// Messages of a number in 24 hours: `OUTBOUND_LIMIT_REACHED`.
    public var outboundPerDay: Int?
    /// Conversations that a number starts in 24 hours: `NEW_CONVERSATION_LIMIT_REACHED`.
    public var newConversationsPerDay: Int?

    public init(
        beforeReply: Int? = nil, streak: Int? = nil, inactivity: Duration? = nil, outboundPerDay: Int? = nil,
        newConversationsPerDay: Int? = nil
    ) {
        self.beforeReply = beforeReply
        self.streak = streak
        self.inactivity = inactivity
        self.outboundPerDay = outboundPerDay
        self.newConversationsPerDay = newConversationsPerDay
    }

    var isNone: Bool { self == SendCaps() }

    /// - Throws: ``APIError`` 429 where a send to this conversation would be past a cap.
    func check(_ database: Database, _ stored: StoredConversation, at now: Timestamp) throws {
        guard !isNone else { return }
        let dayAgo = now.advanced(by: .seconds(-86400))
        if let outboundPerDay, try outbound(database, of: stored.numberRow, since: dayAgo) >= outboundPerDay {
            throw APIError.capped("OUTBOUND_LIMIT_REACHED", "The number has sent \(outboundPerDay) messages in 24 h.")
        }
        if stored.conversation.messageCount == 0, let newConversationsPerDay,
            // The new conversation itself is one of them.
            try started(database, by: stored.numberRow, since: dayAgo) > newConversationsPerDay
        {
            throw APIError.capped(
                "NEW_CONVERSATION_LIMIT_REACHED", "The number has started \(newConversationsPerDay) in 24 h.")
        }
        try checkReplies(database, stored, at: now)
    }

    private func checkReplies(_ database: Database, _ stored: StoredConversation, at now: Timestamp) throws {
        guard let latest = try latestInbound(database, stored.row) else {
            guard let beforeReply, stored.conversation.messageCount >= beforeReply else { return }
            throw APIError.capped("CONVERSATION_AWAITING_REPLY", "They have not answered \(beforeReply) messages yet.")
        }
        if let inactivity, latest.advanced(by: inactivity) < now {
            throw APIError.capped("CONVERSATION_INACTIVE", "They have not written since \(latest).")
        }
        if let streak, try sent(database, stored.row, since: latest) >= streak {
            throw APIError.capped("CONVERSATION_STREAK_LIMIT", "\(streak) messages in a row went unanswered.")
        }
    }

    private func latestInbound(_ database: Database, _ conversationRow: Int64) throws -> Timestamp? {
        try Int64.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT received_at FROM message WHERE conversation_row = ? AND direction = 'inbound'
                    ORDER BY received_at DESC LIMIT 1
                    """),
            arguments: [conversationRow]
        ).map(Timestamp.init(microseconds:))
    }

    private func sent(_ database: Database, _ conversationRow: Int64, since: Timestamp) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(
                sql: "SELECT COUNT(*) FROM message WHERE conversation_row = ? AND received_at > ?"),
            arguments: [conversationRow, since.microseconds]) ?? 0
    }

    private func outbound(_ database: Database, of numberRow: Int64, since: Timestamp) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT COUNT(*) FROM message
                    WHERE number_row = ? AND received_at > ? AND direction = 'outbound'
                    """),
            arguments: [numberRow, since.microseconds]) ?? 0
    }

    /// Conversations made since then whose first message is not inbound.
    private func started(_ database: Database, by numberRow: Int64, since: Timestamp) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT COUNT(*) FROM conversation c
                    WHERE number_row = ? AND created_at > ? AND 'inbound' IS NOT (
                        SELECT direction FROM message WHERE conversation_row = c.row ORDER BY received_at LIMIT 1)
                    """),
            arguments: [numberRow, since.microseconds]) ?? 0
    }
}

extension APIError {
    /// 429 that is final.
    fileprivate static func capped(_ code: String, _ message: String) -> APIError {
        APIError(.limitReached, message, status: 429, serverCode: code)
    }
}
