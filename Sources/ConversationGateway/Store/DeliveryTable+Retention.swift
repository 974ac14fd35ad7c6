import Conversations
import GRDB

extension DeliveryTable {
    private static let batch = 1000

    /// Deletes deliveries that are over and were made before `cutoff`, of the 1,000 that follow `row`, oldest first.
    ///
    /// Rows stand in the order of their making, so the search ends at the first that is young enough. What the
    /// project's were is counted on in the tally.
    ///
    /// - Returns: Where to go on; nil where nothing older is left.
    static func prune(_ database: Database, before cutoff: Timestamp, after row: Int64) throws -> Int64? {
        let statement = try database.cachedStatement(
            sql: "SELECT row, created_at FROM delivery WHERE row > ? ORDER BY row LIMIT \(batch)")
        let old = try Row.fetchAll(statement, arguments: [row]).prefix { ($0[1] as Int64) < cutoff.microseconds }
        guard let last = old.last?[0] as Int64? else { return nil }
        let span = "row > ? AND row <= ? AND status <> 'pending'"
        try database.cachedStatement(
            sql: """
                INSERT INTO tally SELECT 'delivery ' || status, COUNT(*) FROM delivery
                WHERE \(span) AND scope = '' GROUP BY status
                ON CONFLICT (name) DO UPDATE SET count = tally.count + excluded.count
                """
        ).execute(arguments: [row, last])
        try database.cachedStatement(sql: "DELETE FROM delivery WHERE \(span)").execute(arguments: [row, last])
        return old.count == batch ? last : nil
    }

    /// Counts of the project's deliveries, those that were deleted among them.
    static func allTimeStats(_ database: Database) throws -> AllTimeDeliveryStats {
        let present = try stats(database, .project, since: nil)
        func deleted(_ status: String) throws -> Int {
            let statement = try database.cachedStatement(sql: "SELECT count FROM tally WHERE name = ?")
            return try Int.fetchOne(statement, arguments: ["delivery " + status]) ?? 0
        }
        let (success, failed) = try (deleted("success"), deleted("failed"))
        return AllTimeDeliveryStats(
            total: present.total + success + failed, success: present.success + success,
            failed: present.failed + failed)
    }
}

/// Keeps the table of deliveries bounded: an hourly look for what is too old, a batch at a time.
struct DeliveryPruning: Sendable {
    private static let pause = Duration.seconds(3600)

    private let retention: Duration
    private var next: Timestamp?
    private var row: Int64 = 0

    init(retention: Duration) { self.retention = retention }

    /// Deletes a batch if it is time to. Called whenever deliveries are looked for: while there are none, none gets old.
    mutating func run(on store: GatewayStore, at now: Timestamp) async throws(APIError) {
        if let next, now < next { return }
        let (cutoff, start) = (now.advanced(by: .zero - retention), row)
        if let last = try await store.write({ try DeliveryTable.prune($0, before: cutoff, after: start) }) {
            row = last
        } else {
            (row, next) = (0, now.advanced(by: Self.pause))
        }
    }
}
