import Conversations
import Foundation
import GRDB

/// A delivery as the API lists it: all twelve keys are always there.
///
/// The words of `status` are ours to choose within what the counts name: `pending`, `success`, `failed`.
/// Source: AgentPhone API reference, "List webhook deliveries".
struct DeliveryItem: Sendable, Hashable, Encodable {
    var id: String
    var messageID: String?
    var eventType: String?
    var channel: String
    var status: String
    var httpStatus: Int?
    var errorMessage: String?
    var responseBody: String?
    var attemptCount: Int
    var lastAttemptAt: Timestamp?
    var nextRetryAt: Timestamp?
    var createdAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case id, eventType, channel, status, httpStatus, errorMessage, responseBody, attemptCount, lastAttemptAt
        case nextRetryAt, createdAt
        case messageID = "messageId"
    }

    /// Writes nulls.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(messageID, forKey: .messageID)
        try container.encode(eventType, forKey: .eventType)
        try container.encode(channel, forKey: .channel)
        try container.encode(status, forKey: .status)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(errorMessage, forKey: .errorMessage)
        try container.encode(responseBody, forKey: .responseBody)
        try container.encode(attemptCount, forKey: .attemptCount)
        try container.encode(lastAttemptAt, forKey: .lastAttemptAt)
        try container.encode(nextRetryAt, forKey: .nextRetryAt)
        try container.encode(createdAt, forKey: .createdAt)
    }
}

/// `items`, not `data`, and no `hasMore`. Source: AgentPhone API reference, "List webhook deliveries".
struct DeliveryPage: Sendable, Hashable, Encodable {
    var items: [DeliveryItem]
    var total: Int
    var offset: Int
    var limit: Int
}

/// Counts of deliveries. Source: AgentPhone API reference, delivery stats; the shape of an hour's entry is ours.
struct DeliveryStats: Sendable, Hashable, Encodable {
    struct Hour: Sendable, Hashable, Encodable {
        var hour: Timestamp
        var total: Int
        var success: Int
        var failed: Int
        var pending: Int
    }

    var total = 0
    var success = 0
    var failed = 0
    var pending = 0
    /// Of all, in percent with two digits; 0 where there is none.
    var successRate = 0.0
    var byEventType: [String: [String: Int]] = [:]
    /// Oldest first; hours without deliveries are left out.
    var byHour: [Hour] = []
}

struct AllTimeDeliveryStats: Sendable, Hashable, Encodable {
    var total: Int
    var success: Int
    var failed: Int
    var successRate: Double

    init(total: Int, success: Int, failed: Int) {
        self.total = total
        self.success = success
        self.failed = failed
        successRate = DeliveryStats.rate(success, of: total)
    }
}

extension DeliveryTable {
    /// Deliveries of one webhook, newest first.
    ///
    /// - Parameter since: Only those made since then.
    static func page(
        _ database: Database, _ scope: WebhookScope, since: Timestamp?, limit: Int, offset: Int
    ) throws -> DeliveryPage {
        let statement = try database.cachedStatement(
            sql: """
                SELECT id, message_id, event, channel, status, http_status, error_message, response_body,
                    attempt_count, last_attempt_at, next_attempt_at, created_at
                FROM delivery WHERE scope = ? AND created_at >= ?
                ORDER BY created_at DESC, row DESC LIMIT ? OFFSET ?
                """)
        let start = since?.microseconds ?? Int64.min
        let items = try Row.fetchAll(statement, arguments: [scope.rawValue, start, limit, offset]).map(
            DeliveryItem.init)
        let count = try database.cachedStatement(
            sql: "SELECT COUNT(*) FROM delivery WHERE scope = ? AND created_at >= ?")
        let total = try Int.fetchOne(count, arguments: [scope.rawValue, start]) ?? 0
        return DeliveryPage(items: items, total: total, offset: offset, limit: limit)
    }

    static func stats(_ database: Database, _ scope: WebhookScope, since: Timestamp?) throws -> DeliveryStats {
        let hour: Int64 = 3_600_000_000
        let statement = try database.cachedStatement(
            sql: """
                SELECT created_at / \(hour), event, status, COUNT(*) FROM delivery
                WHERE scope = ? AND created_at >= ? GROUP BY 1, 2, 3 ORDER BY 1
                """)
        var stats = DeliveryStats()
        for row in try Row.fetchAll(statement, arguments: [scope.rawValue, since?.microseconds ?? Int64.min]) {
            let (start, event, status, count): (Int64, String, String, Int) = (row[0], row[1], row[2], row[3])
            stats.add(status, count)
            stats.byEventType[event, default: [:]][status, default: 0] += count
            let instant = Timestamp(microseconds: start * hour)
            if stats.byHour.last?.hour != instant {
                stats.byHour.append(DeliveryStats.Hour(hour: instant, total: 0, success: 0, failed: 0, pending: 0))
            }
            stats.byHour[stats.byHour.count - 1].add(status, count)
        }
        stats.successRate = DeliveryStats.rate(stats.success, of: stats.total)
        return stats
    }

    /// Keeps an attempt that was made outside the ladder, such as a test.
    static func insertFinished(
        _ database: Database, id: String, _ draft: DeliveryDraft, _ record: DeliveryRecord
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO delivery (id, scope, event, channel, message_id, status, http_status, error_message,
                    response_body, attempt_count, last_attempt_at, created_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)
                """
        ).execute(arguments: [
            id, draft.scope.rawValue, draft.event.event, draft.event.channel?.rawValue ?? "",
            draft.messageID?.rawValue, record.decision == .succeeded ? "success" : "failed", record.httpStatus,
            record.errorMessage, record.responseBody, record.attemptCount, record.attemptedAt.microseconds,
        ])
    }

    /// Every delivery, oldest first.
    static func rows(_ database: Database) throws -> [Int64] {
        try Int64.fetchAll(database.cachedStatement(sql: "SELECT row FROM delivery ORDER BY row"))
    }

    /// The status of every delivery, oldest first.
    static func statuses(_ database: Database) throws -> [String] {
        try String.fetchAll(database.cachedStatement(sql: "SELECT status FROM delivery ORDER BY row"))
    }
}

extension DeliveryStats {
    /// In percent with two digits.
    static func rate(_ success: Int, of total: Int) -> Double {
        total == 0 ? 0 : (Double(success) / Double(total) * 10_000).rounded() / 100
    }

    fileprivate mutating func add(_ status: String, _ count: Int) {
        total += count
        switch status {
        case "success": success += count
        case "failed": failed += count
        default: pending += count
        }
    }
}

extension DeliveryStats.Hour {
    fileprivate mutating func add(_ status: String, _ count: Int) {
        total += count
        switch status {
        case "success": success += count
        case "failed": failed += count
        default: pending += count
        }
    }
}

extension DeliveryItem {
    fileprivate init(_ row: Row) {
        self.init(
            id: row[0], messageID: row[1], eventType: row[2], channel: row[3], status: row[4], httpStatus: row[5],
            errorMessage: row[6], responseBody: row[7], attemptCount: row[8],
            lastAttemptAt: (row[9] as Int64?).map(Timestamp.init(microseconds:)),
            nextRetryAt: (row[10] as Int64?).map(Timestamp.init(microseconds:)),
            createdAt: Timestamp(microseconds: row[11]))
    }
}
