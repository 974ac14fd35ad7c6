import Foundation
import GRDB

extension Fact {
    /// Keeps the fact unless a later one of its scope and key is kept.
    func keep(in database: Database) throws {
        let select = try database.cachedStatement(sql: "SELECT value FROM store WHERE scope = ? AND key = ?")
        guard replaces(try Data.fetchOne(select, arguments: [scope, key])) else { return }
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO store (scope, key, value) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = NULL
                """)
        try insert.execute(arguments: [scope, key, stored])
    }
}

extension SQLiteStore {
    public func facts(scope: String) async throws(EngineError) -> [Fact] {
        try await read { database in
            let select = try database.cachedStatement(
                sql: "SELECT key, value FROM store WHERE scope = ? ORDER BY key")
            return try Row.fetchCursor(select, arguments: [scope]).mapAll { row in
                try Fact(scope: scope, key: try row.decode(atIndex: 0), stored: try row.decode(atIndex: 1))
            }
        }
    }
}
