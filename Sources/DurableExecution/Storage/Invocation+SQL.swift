import Foundation
import GRDB

extension Invocation {
    static func takeDue(at time: Date, limit: Int, in database: Database) throws -> DueInvocations {
        var taken = try fetchParkingUnreadable(
            database, "WHERE next_attempt_at <= ? ORDER BY next_attempt_at, number LIMIT ?", [time.microseconds, limit])
        for index in taken.indices {
            taken[index].state = .running
            taken[index].attempt += 1
            taken[index].nextAttemptAt = nil
            taken[index].holdKey = nil
            taken[index].updatedAt = time
            try taken[index].upsert(in: database)
        }
        let next = try database.cachedStatement(
            sql: "SELECT min(next_attempt_at) FROM invocations WHERE next_attempt_at IS NOT NULL")
        return DueInvocations(taken: taken, next: try Int64.fetchOne(next).map(Date.init(microseconds:)))
    }

    func upsert(in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO invocations (number, event, queue, rule, version, state, reason, failure, attempt,
                  created_at, updated_at, next_attempt_at, result, hold_key, dry)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET version = excluded.version, state = excluded.state, reason = excluded.reason,
                  failure = excluded.failure, attempt = excluded.attempt, updated_at = excluded.updated_at,
                  next_attempt_at = excluded.next_attempt_at, result = excluded.result, hold_key = excluded.hold_key
                """)
        try insert.execute(arguments: [
            InvocationID.number(of: id), event, queue, rule, version, state.rawValue, reason,
            failure.map(StoredProgramFailure.encode), attempt, createdAt.microseconds, updatedAt.microseconds,
            nextAttemptAt?.microseconds, result, holdKey, isDry,
        ])
    }

    static func release(_ key: String, at time: Date, limit: Int, in database: Database) throws -> Int {
        let update = try database.cachedStatement(
            sql: """
                UPDATE invocations SET hold_key = NULL, next_attempt_at = ?,
                  reason = CASE state WHEN 'waiting' THEN reason ELSE 'released' END,
                  state = CASE state WHEN 'waiting' THEN state ELSE 'retrying' END
                WHERE number IN (SELECT number FROM invocations WHERE hold_key = ? ORDER BY number LIMIT ?)
                """)
        try update.execute(arguments: [time.microseconds, key, limit])
        return database.changesCount
    }

    static func makeDue(_ number: Int64, at time: Date, in database: Database) throws {
        let update = try database.cachedStatement(
            sql: "UPDATE invocations SET next_attempt_at = ?, hold_key = NULL WHERE number = ? AND state = 'waiting'")
        try update.execute(arguments: [time.microseconds, number])
    }

    static func requestCancel(_ number: Int64, because reason: String?, in database: Database) throws {
        let update = try database.cachedStatement(sql: "UPDATE invocations SET cancel_request = ? WHERE number = ?")
        try update.execute(arguments: [reason, number])
    }

    /// Lets the first of its kind that stands in line for this rule and queue begin, if no other is unfinished.
    func releaseNext(in database: Database) throws {
        let update = try database.cachedStatement(
            sql: """
                UPDATE invocations SET next_attempt_at = ?
                WHERE number = (
                    SELECT min(number) FROM invocations WHERE state = 'queued' AND queue = ? AND rule = ? AND dry = ?)
                  AND next_attempt_at IS NULL
                  AND NOT EXISTS (
                    SELECT 1 FROM invocations WHERE queue = ? AND rule = ? AND dry = ?
                      AND state NOT IN ('finished', 'failed', 'cancelled') AND state != 'queued')
                """)
        try update.execute(arguments: [updatedAt.microseconds, queue, rule, isDry, queue, rule, isDry])
    }

    static func cancel(_ number: Int64, because reason: String, at time: Date, in database: Database) throws {
        guard var invocation = try fetch(database, "WHERE number = ?", [number]).first else {
            throw EngineError(.notFound, "there is no invocation \(InvocationID(number: number).text)")
        }
        guard invocation.state != .running, !invocation.state.isEnded else {
            throw EngineError(.conflict, "\(invocation.id) is \(invocation.state.rawValue)")
        }
        invocation.state = .cancelled
        invocation.reason = reason
        invocation.nextAttemptAt = nil
        invocation.holdKey = nil
        invocation.updatedAt = time
        try invocation.upsert(in: database)
        try Waiting.remove(of: number, in: database)
        try invocation.releaseNext(in: database)
    }
}
