import Foundation
import GRDB

extension SQLiteStore {
    public func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            let database = transaction.database
            // Pages that become free are overwritten too: https://www.sqlite.org/pragma.html#pragma_secure_delete
            try database.execute(sql: "PRAGMA secure_delete = ON")
            defer { try? database.execute(sql: "PRAGMA secure_delete = FAST") }
            var forgotten = Forgotten()
            for queue in forgetting.queues where forgotten.events < forgetting.limit {
                let limit = forgetting.limit - forgotten.events
                let events = try Int64.fetchAll(
                    database,
                    sql:
                        "SELECT sequence FROM events WHERE queue = ? AND state != 'forgotten' ORDER BY sequence LIMIT ?",
                    arguments: [queue, limit])
                for event in events {
                    forgotten.invocations += try Self.forget(event, at: forgetting.at, in: database)
                }
                forgotten.events += events.count
            }
            for scope in forgetting.scopes where forgotten.values < forgetting.limit {
                try database.execute(
                    sql: """
                        DELETE FROM store WHERE scope = ? AND key IN (SELECT key FROM store WHERE scope = ? LIMIT ?)
                        """, arguments: [scope, scope, forgetting.limit - forgotten.values])
                forgotten.values += database.changesCount
            }
            return forgotten
        }
    }

    private static func forget(_ event: Int64, at time: Date, in database: Database) throws -> Int {
        let invocations = try Invocation.fetch(database, "WHERE event = ?", [event])
        for invocation in invocations where !invocation.state.isEnded && invocation.state != .running {
            try Invocation.cancel(
                InvocationID.number(of: invocation.id), because: "forgotten", at: time, in: database)
        }
        let numbers = "SELECT number FROM invocations WHERE event = ?"
        for sql in [
            "DELETE FROM journal WHERE invocation IN (\(numbers))",
            "DELETE FROM logs WHERE invocation IN (\(numbers))",
            """
            UPDATE invocations SET reason = 'forgotten', failure = NULL, result = NULL, cancel_request = NULL,
              state = CASE state WHEN 'running' THEN 'cancelled' ELSE state END WHERE event = ?
            """,
            "DELETE FROM refusals WHERE event = ?",
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [event])
        }
        try database.execute(
            sql: """
                UPDATE events SET payload = X'', note = NULL, state = 'forgotten', ended_at = coalesce(ended_at, ?)
                WHERE sequence = ?
                """, arguments: [time.microseconds, event])
        return invocations.count
    }

    public func size() async throws(EngineError) -> Int {
        try await read { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0)
        }
    }

    /// Brings the log into the database file and cuts it back, as far as readers allow that.
    public func tidy() async throws(EngineError) {
        do {
            try await database.writeWithoutTransaction { database in
                // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
                try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw EngineError(storage: error)
        }
    }
}
