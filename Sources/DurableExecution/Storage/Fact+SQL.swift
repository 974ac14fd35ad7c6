import Foundation
import GRDB

extension Fact {
    /// Keeps the fact unless a later one of its scope and key is kept.
    ///
    /// Whom it is about can be recognised, but not read: a person may be forgotten whose word is to hold on.
    func keep(in database: Database, _ hash: IdentityHash) throws {
        let scope = Self.stored(scope, hash)
        let select = try database.cachedStatement(sql: "SELECT value FROM store WHERE scope = ? AND key = ?")
        guard replaces(try Data.fetchOne(select, arguments: [scope, key])) else { return }
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO store (scope, key, value) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = NULL
                """)
        try insert.execute(arguments: [scope, key, stored])
    }

    /// As what a scope is kept.
    ///
    /// Without slashes, which part the scopes of packs.
    static func stored(_ scope: String, _ hash: IdentityHash) -> String {
        "#fact:" + hash(scope).replacing("/", with: "_")
    }
}

extension SQLiteStore {
    public func facts(scope: String) async throws(EngineError) -> [Fact] {
        try await read { [inbox] database in
            let select = try database.cachedStatement(
                sql: "SELECT key, value FROM store WHERE scope = ? ORDER BY key")
            return try Row.fetchCursor(select, arguments: [Fact.stored(scope, inbox.hash)]).mapAll { row in
                try Fact(scope: scope, key: try row.decode(atIndex: 0), stored: try row.decode(atIndex: 1))
            }
        }
    }
}
