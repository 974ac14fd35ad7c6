import Foundation
import GRDB

extension StoreQuota {
    /// Values whose time ended that are deleted to make room, at most.
    private static let clearingLimit = 500

    /// - Throws: ``CommandFailure``, `too_large`, if there is no room for `value` under `key`.
    func admit(_ scope: String, _ key: String, _ value: Data?, at time: Date, in database: Database) throws {
        guard let value else { return }
        try check(key, value)
        do {
            try judge(scope, key, value, in: database)
        } catch is CommandFailure {
            try Self.clear(Self.owner(of: scope), at: time, in: database)
            try judge(scope, key, value, in: database)
        }
    }

    private func judge(_ scope: String, _ key: String, _ value: Data, in database: Database) throws {
        let select = try database.cachedStatement(
            sql: "SELECT length(value) FROM store WHERE scope = ? AND key = ?")
        let held = try Int.fetchOne(select, arguments: [scope, key])
        let growth = StoreUsage(
            keys: held == nil ? 1 : 0, bytes: value.count - (held ?? 0) + (held == nil ? key.utf8.count : 0))
        guard growth.bytes > 0 else { return }
        let owner = Self.owner(of: scope)
        try check(try StoreUsage.fetch(database, of: owner) + growth, of: owner)
    }

    /// Deletes values of the owner whose time ended.
    private static func clear(_ owner: String, at time: Date, in database: Database) throws {
        // '0' follows '/' in ASCII, so the range has the owner's own scope and all below it.
        let delete = try database.cachedStatement(
            sql: """
                DELETE FROM store WHERE (scope, key) IN (
                  SELECT scope, key FROM store INDEXED BY store_ends
                  WHERE expires_at <= ? AND (scope = ? OR scope > ? AND scope < ?) LIMIT ?)
                """)
        try delete.execute(arguments: [time.microseconds, owner, owner + "/", owner + "0", clearingLimit])
    }
}

extension StoreUsage {
    static func fetch(_ database: Database, of owner: String) throws -> StoreUsage {
        let select = try database.cachedStatement(sql: "SELECT keys, bytes FROM store_owners WHERE owner = ?")
        guard let row = try Row.fetchOne(select, arguments: [owner]) else { return StoreUsage() }
        return StoreUsage(keys: try row.decode(atIndex: 0), bytes: try row.decode(atIndex: 1))
    }

    static func + (left: StoreUsage, right: StoreUsage) -> StoreUsage {
        StoreUsage(keys: left.keys + right.keys, bytes: left.bytes + right.bytes)
    }
}

extension SQLiteStore {
    /// Counts what each owner holds, wherever it is changed.
    static let storeOwners = """
        CREATE TABLE store_owners (
          owner TEXT PRIMARY KEY,
          keys INTEGER NOT NULL,
          bytes INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        INSERT INTO store_owners (owner, keys, bytes)
        SELECT \(owner("scope")), count(*), sum(length(CAST(key AS BLOB)) + length(value)) FROM store GROUP BY 1;

        CREATE TRIGGER store_added AFTER INSERT ON store BEGIN
          INSERT INTO store_owners (owner, keys, bytes)
          VALUES (\(owner("NEW.scope")), 1, length(CAST(NEW.key AS BLOB)) + length(NEW.value))
          ON CONFLICT DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;
        END;

        CREATE TRIGGER store_changed AFTER UPDATE OF value ON store BEGIN
          UPDATE store_owners SET bytes = bytes + length(NEW.value) - length(OLD.value)
          WHERE owner = \(owner("NEW.scope"));
        END;

        CREATE TRIGGER store_removed AFTER DELETE ON store BEGIN
          UPDATE store_owners
          SET keys = keys - 1, bytes = bytes - length(CAST(OLD.key AS BLOB)) - length(OLD.value)
          WHERE owner = \(owner("OLD.scope"));
          DELETE FROM store_owners WHERE owner = \(owner("OLD.scope")) AND keys = 0;
        END;
        """

    /// ``StoreQuota/owner(of:)`` in SQL: what stands before the second slash.
    private static func owner(_ scope: String) -> String {
        let rest = "substr(\(scope), instr(\(scope), '/') + 1)"
        return """
            iif(instr(\(scope), '/') = 0 OR instr(\(rest), '/') = 0, \(scope),
              substr(\(scope), 1, instr(\(scope), '/') + instr(\(rest), '/') - 1))
            """
    }
}
