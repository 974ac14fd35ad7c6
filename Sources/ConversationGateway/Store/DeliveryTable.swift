import Conversations
import Foundation
import GRDB

/// An event about to be delivered.
struct DeliveryDraft: Sendable {
    var scope: WebhookScope
    var event: WebhookEvent
    var messageID: Message.ID?
    var conversationRow: Int64?
}

/// A delivery whose time has come, with where it goes.
struct DueDelivery: Sendable, Hashable {
    var row: Int64
    var id: String
    var scope: WebhookScope
    var event: String
    var conversationRow: Int64?
    var payload: String
    var attemptCount: Int
    var url: String
    var secret: String
    var timeout: Duration
    /// Added to the body after it was signed; nil but where a fault asks for it.
    var tampering: String?
}

/// What an attempt leaves behind.
struct DeliveryRecord: Sendable, Hashable {
    var row: Int64
    var decision: DeliveryDecision
    var httpStatus: Int?
    var errorMessage: String?
    var responseBody: String?
    var attemptCount: Int
    var attemptedAt: Timestamp
}

enum DeliveryTable {
    /// - Parameter delay: How long the first attempt waits.
    /// - Returns: The delivery's id.
    @discardableResult
    static func insert(
        _ database: Database, _ draft: DeliveryDraft, at now: Timestamp, delay: Duration = .zero
    ) throws -> String {
        let id = Names.id("del", at: now.microseconds)
        let payload = String(decoding: try JSON.encode(draft.event), as: UTF8.self)
        try database.cachedStatement(
            sql: """
                INSERT INTO delivery (id, scope, event, channel, message_id, conversation_row, payload, status,
                    next_attempt_at, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)
                """
        ).execute(arguments: [
            id, draft.scope.rawValue, draft.event.event, draft.event.channel?.rawValue ?? "",
            draft.messageID?.rawValue, draft.conversationRow, payload, now.advanced(by: delay).microseconds,
            now.microseconds,
        ])
        return id
    }

    /// Deliveries of one webhook that are due, longest due first.
    ///
    /// - Parameter busy: Conversations that are not looked at, since a delivery of theirs is under way.
    static func due(
        _ database: Database, _ scope: WebhookScope, at now: Timestamp, limit: Int, busy: [Int64] = []
    ) throws -> [DueDelivery] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT d.row, d.id, d.event, d.conversation_row, d.payload, d.attempt_count, w.url, w.secret, w.timeout
                FROM delivery d JOIN webhook w ON w.scope = d.scope
                WHERE d.scope = ? AND d.status = 'pending' AND d.next_attempt_at <= ?
                    AND (d.conversation_row IS NULL OR d.conversation_row NOT IN (SELECT value FROM json_each(?)))
                ORDER BY d.next_attempt_at, d.row LIMIT ?
                """)
        let list = String(decoding: try JSON.encode(busy), as: UTF8.self)
        return try Row.fetchAll(statement, arguments: [scope.rawValue, now.microseconds, list, limit]).map { row in
            DueDelivery(
                row: row[0], id: row[1], scope: scope, event: row[2], conversationRow: row[3], payload: row[4] ?? "",
                attemptCount: row[5], url: row[6], secret: row[7], timeout: .seconds(row[8] as Int))
        }
    }

    /// When the next delivery falls due later than now; nil if none is waiting.
    static func nextDue(_ database: Database, after now: Timestamp) throws -> Timestamp? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT MIN(next_attempt_at) FROM delivery
                WHERE scope = ? AND status = 'pending' AND next_attempt_at > ?
                """)
        return try WebhookTable.scopes(database).compactMap { scope in
            try Int64.fetchOne(statement, arguments: [scope.rawValue, now.microseconds])
                .map(Timestamp.init(microseconds:))
        }.min()
    }

    static func record(_ database: Database, _ record: DeliveryRecord) throws {
        let (status, next): (String, Int64?) =
            switch record.decision {
            case .succeeded: ("success", nil)
            case .failed: ("failed", nil)
            case .retry(let delay): ("pending", record.attemptedAt.advanced(by: delay).microseconds)
            }
        try database.cachedStatement(
            sql: """
                UPDATE delivery SET status = ?, http_status = ?, error_message = ?, response_body = ?,
                    attempt_count = ?, last_attempt_at = ?, next_attempt_at = ?,
                    payload = CASE WHEN ?1 = 'success' THEN NULL ELSE payload END
                WHERE row = ?
                """
        ).execute(arguments: [
            status, record.httpStatus, record.errorMessage, record.responseBody, record.attemptCount,
            record.attemptedAt.microseconds, next, record.row,
        ])
    }

    /// Gives up what still waits for a webhook that is gone.
    static func abandon(_ database: Database, _ scope: WebhookScope) throws {
        try database.cachedStatement(
            sql: """
                UPDATE delivery SET status = 'failed', next_attempt_at = NULL, error_message = 'the webhook was removed'
                WHERE scope = ? AND status = 'pending'
                """
        ).execute(arguments: [scope.rawValue])
    }
}
