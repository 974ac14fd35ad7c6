public import Foundation
import GRDB

/// What the versions are made of that invocations pin.
extension SQLiteStore {
    public func keep(
        _ version: String, content: Data, at time: Date, epoch: Epoch
    ) async throws(EngineError) {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            try transaction.database.execute(
                sql: """
                    INSERT INTO versions (version, content, kept_at) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET content = excluded.content, kept_at = excluded.kept_at
                    """, arguments: [version, content, time.microseconds])
        }
    }

    public func dropVersions(
        keptBefore time: Date, except others: Set<String>, epoch: Epoch
    ) async throws(EngineError) -> Int {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            let database = transaction.database
            let unpinned = try String.fetchAll(
                database,
                sql: """
                    SELECT version FROM versions WHERE kept_at < ? AND NOT EXISTS (
                      SELECT 1 FROM invocations WHERE version = versions.version
                        AND state NOT IN ('finished', 'failed', 'cancelled'))
                    """, arguments: [time.microseconds])
            let dropped = unpinned.filter { !others.contains($0) }
            for version in dropped {
                try database.execute(sql: "DELETE FROM versions WHERE version = ?", arguments: [version])
            }
            return dropped.count
        }
    }

    public func content(ofVersion version: String) async throws(EngineError) -> Data? {
        try await read {
            try Data.fetchOne($0, sql: "SELECT content FROM versions WHERE version = ?", arguments: [version])
        }
    }
}
