import Foundation
import GRDB

extension SQLiteStore {
    public func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            let database = transaction.database
            let events = try Self.oldEvents(pruning, in: database)
            for event in events { try Self.delete(event, in: database) }
            let identities = try Self.delete(
                """
                DELETE FROM identities WHERE at < ? AND number IN (SELECT number FROM identities ORDER BY number LIMIT ?)
                """, pruning.identities, pruning.limit, in: database)
            _ = try Self.delete(
                """
                DELETE FROM productions WHERE at < ? AND number IN (SELECT number FROM productions ORDER BY number LIMIT ?)
                """, pruning.identities, pruning.limit, in: database)
            let values = try Self.delete(
                """
                DELETE FROM store WHERE (scope, key) IN (
                  SELECT scope, key FROM store WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?)
                """, pruning.values, pruning.limit, in: database)
            return events.count + identities + values
        }
    }

    private static func oldEvents(_ pruning: Pruning, in database: Database) throws -> [Int64] {
        try Int64.fetchAll(
            database,
            sql: """
                SELECT sequence FROM events WHERE accepted_at < ? AND state NOT IN ('pending', 'running')
                  AND NOT EXISTS (
                    SELECT 1 FROM invocations WHERE event = events.sequence
                      AND state NOT IN ('finished', 'failed', 'cancelled'))
                ORDER BY sequence LIMIT ?
                """,
            arguments: [pruning.events.microseconds, pruning.limit])
    }

    private static func delete(_ event: Int64, in database: Database) throws {
        let invocations = "SELECT number FROM invocations WHERE event = ?"
        for sql in [
            "DELETE FROM journal WHERE invocation IN (\(invocations))",
            "DELETE FROM logs WHERE invocation IN (\(invocations))",
            "DELETE FROM invocations WHERE event = ?",
            "DELETE FROM refusals WHERE event = ?",
            "DELETE FROM events WHERE sequence = ?",
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [event])
        }
    }

    private static func delete(_ sql: String, _ time: Date, _ limit: Int, in database: Database) throws -> Int {
        try database.cachedStatement(sql: sql).execute(arguments: [time.microseconds, limit])
        return database.changesCount
    }

    /// Writes a consistent copy to `path` while everything goes on; a file that is there is replaced.
    ///
    /// - Throws: ``EngineError``, `unavailable` if there is no room or the file can't be written.
    public func backUp(to path: String) async throws(EngineError) {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<(any Error)?, Never>) in
            // The copy is made step by step under one read snapshot, on a thread that may wait for the disk.
            DispatchQueue.global(qos: .utility).async { [database] in
                do {
                    try database.backup(to: DatabaseQueue(path: path))
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
        if let result { throw EngineError(.unavailable, "no backup was made at \(path): \(result)", cause: result) }
    }

    /// Looks for damage in the file.
    ///
    /// - Returns: What is wrong, in SQLite's words; empty if nothing is.
    public func checkIntegrity() async throws(EngineError) -> [String] {
        let answers = try await read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        return answers == ["ok"] ? [] : answers
    }
}
