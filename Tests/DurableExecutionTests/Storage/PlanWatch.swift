import Foundation
import GRDB
import Synchronization
import Testing

@testable import DurableExecution

/// Looks at how SQLite answers every statement that a watched store runs, and reports what reads a whole table.
///
/// Every store of the conformance suite and of an ``EngineBench`` is watched, so a statement that is new is looked at as
/// soon as any test runs it.
final class PlanWatch: Sendable {
    static let shared = PlanWatch()

    /// A scan that may be, and why.
    private struct Exception {
        var plan: String
        /// Part of the statement.
        var statement: String
        var reason: String
    }

    private static let exceptions = [
        Exception(
            plan: "SCAN events USING INDEX events_open", statement: "state IN ('pending', 'running')",
            reason: "the index holds only what is open"),
        Exception(
            plan: "SCAN invocations USING COVERING INDEX invocations_unended", statement: "GROUP BY state",
            reason: "counts what the index holds, which is what has not ended"),
        Exception(
            plan: "SCAN invocations USING INDEX invocations_unwanted", statement: "cancel_request IS NOT NULL",
            reason: "the index holds only requests to cancel"),
        Exception(
            plan: "SCAN events", statement: "ORDER BY sequence DESC LIMIT ?",
            reason: "a list of anything, or of what is done, which nearly all is: it ends when it is full"),
        Exception(
            plan: "SCAN invocations", statement: "ORDER BY number DESC LIMIT ?",
            reason: "a list of anything, or of what finished, which nearly all is: it ends when it is full"),
        Exception(
            plan: "SCAN i USING INDEX invocations_unended", statement: "INSERT INTO inboxes\n  SELECT DISTINCT",
            reason: "a migration, over what has not ended"),
        Exception(
            plan: "SCAN i USING INDEX invocations_by_version", statement: "INSERT INTO inboxes\n  SELECT DISTINCT",
            reason: "a migration, over what has not ended"),
        Exception(
            plan: "SCAN store", statement: "INSERT INTO store_owners (owner, keys, bytes)\nSELECT",
            reason: "a migration, which counts what is there"),
        Exception(
            plan: "SCAN events USING INDEX events_held", statement: "INDEXED BY events_held",
            reason: "the index holds only what is held, or is matched again"),
        Exception(
            plan: "SCAN invocations USING INDEX invocations_dry", statement: "WHERE dry = 1",
            reason: "the index holds only dry runs that have not ended"),
    ]

    /// Tables that stay small, whatever happens.
    private static let small: Set = [
        "crashes", "pauses", "cursors", "meta", "secrets", "leftovers", "blank", "grdb_migrations", "sqlite_master",
        "sqlite_schema", "sqlite_sequence", "sqlite_temp_master", "CONSTANT", "json_each",
    ]

    private let reference: Result<SQLiteStore, EngineError>
    private let seen = Mutex<[String: [String]]>([:])

    init() {
        do throws(EngineError) { reference = .success(try SQLiteStore.inMemory()) } catch {
            reference = .failure(error)
        }
    }

    /// Has the statements of a connection looked at.
    static let watch: @Sendable (Database) throws -> Void = { database in
        database.trace { event in
            if case .statement(let statement) = event { shared.look(at: statement.sql) }
        }
    }

    /// Every statement so far, with what is wrong about it.
    var findings: [String: [String]] { seen.withLock { $0 } }

    func look(at sql: String) {
        guard seen.withLock({ $0[sql] }) == nil else { return }
        let problems = (try? self.problems(of: sql)) ?? []
        let isNew = seen.withLock { $0.updateValue(problems, forKey: sql) == nil }
        guard isNew else { return }
        for problem in problems { Issue.record("\(problem): \(sql)") }
    }

    /// The scans in the plan of a statement.
    func problems(of sql: String) throws -> [String] {
        let word = sql.prefix { !$0.isWhitespace }
        guard ["SELECT", "INSERT", "UPDATE", "DELETE"].contains(word) else { return [] }
        let plan = try reference.get().database.read { database in
            try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN " + sql).map { $0["detail"] as String }
        }
        return plan.filter { detail in
            if detail.contains("AUTOMATIC") { return true }
            let words = detail.split(separator: " ")
            guard words.first == "SCAN", words.count > 1, !Self.small.contains(String(words[1])) else { return false }
            return !Self.exceptions.contains { $0.plan == detail && sql.contains($0.statement) }
        }
    }
}
