import Foundation
import GRDB

/// How grouped refusals are kept beside the plain list of ``StoredRefusal``: a JSON object, where that is an array.
private struct StoredRefusals: Codable {
    var each: [StoredRefusal]
    /// Number of the list of rules.
    var list: Int64
    var groups: [RefusedGroups.Group]
}

extension RefusedGroups {
    /// How old the note may get that a list is in use.
    private static let usePeriod = Duration.seconds(24 * 3600)

    static let schema = """
        CREATE TABLE rule_lists (
          number INTEGER PRIMARY KEY,
          name TEXT NOT NULL UNIQUE,
          entries TEXT NOT NULL,
          used_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX rule_lists_by_use ON rule_lists (used_at);
        """

    /// Keeps them, together with refusals that have words of their own.
    func insert(for event: Int64, with each: [Refusal], at time: Date, in database: Database) throws {
        let stored = StoredRefusals(
            each: each.map { StoredRefusal(rule: $0.rule, reason: $0.reason) },
            list: try list.number(at: time, in: database), groups: groups)
        let insert = try database.cachedStatement(
            sql: "INSERT INTO refusals (event, list) VALUES (?, ?) ON CONFLICT DO UPDATE SET list = excluded.list")
        try insert.execute(arguments: [event, try StoredJSON.encode(stored)])
    }

    /// Reads what was kept for an event, grouped or not.
    static func refusals(in text: String, _ database: Database) throws -> [Refusal] {
        guard text.hasPrefix("{") else { return try StoredRefusal.decode(text) }
        let stored = try StoredJSON.decode(StoredRefusals.self, text)
        let each = stored.each.map { Refusal(rule: $0.rule, reason: $0.reason) }
        guard let list = try RuleList.fetch(database, stored.list) else {
            let count = RefusedGroups(list: RuleList(name: "", entries: []), groups: stored.groups).count
            return each + [Refusal(rule: "*", reason: "\(count) more did not match; what they were is no longer kept")]
        }
        let rest = RefusedGroups(list: list, groups: stored.groups).refusals
        return (each + rest).sorted { $0.rule < $1.rule }
    }

    /// Deletes lists that no event has needed for long.
    static func prune(before time: Date, in database: Database) throws {
        let delete = try database.cachedStatement(sql: "DELETE FROM rule_lists WHERE used_at < ?")
        try delete.execute(arguments: [time.adding(.zero - usePeriod * 2).microseconds])
    }

    fileprivate static func isOld(_ use: Int64, at time: Date) -> Bool {
        use < time.adding(.zero - usePeriod).microseconds
    }
}

extension RuleList {
    /// The list's number, which it gets when it is first needed.
    fileprivate func number(at time: Date, in database: Database) throws -> Int64 {
        let select = try database.cachedStatement(sql: "SELECT number, used_at FROM rule_lists WHERE name = ?")
        guard let row = try Row.fetchOne(select, arguments: [name]) else {
            let insert = try database.cachedStatement(
                sql: "INSERT INTO rule_lists (name, entries, used_at) VALUES (?, ?, ?)")
            try insert.execute(arguments: [name, try StoredJSON.encode(entries), time.microseconds])
            return database.lastInsertedRowID
        }
        let number: Int64 = try row.decode(atIndex: 0)
        if RefusedGroups.isOld(try row.decode(atIndex: 1), at: time) {
            let update = try database.cachedStatement(sql: "UPDATE rule_lists SET used_at = ? WHERE number = ?")
            try update.execute(arguments: [time.microseconds, number])
        }
        return number
    }

    fileprivate static func fetch(_ database: Database, _ number: Int64) throws -> RuleList? {
        let select = try database.cachedStatement(sql: "SELECT name, entries FROM rule_lists WHERE number = ?")
        guard let row = try Row.fetchOne(select, arguments: [number]) else { return nil }
        return RuleList(
            name: try row.decode(atIndex: 0),
            entries: try StoredJSON.decode([Entry].self, try row.decode(atIndex: 1)))
    }
}
