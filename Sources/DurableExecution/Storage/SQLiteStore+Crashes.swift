public import Foundation
import GRDB

extension SQLiteStore {
    public func noteCrashes(
        _ notes: [CrashNote], limit: Int, at time: Date, epoch: Epoch,
        pausing: @escaping @Sendable (_ rule: String) -> String?
    ) async throws(EngineError) -> [Quarantined] {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            let events = Dictionary(grouping: notes, by: \.event).sorted { $0.key < $1.key }
            return try events.compactMap { event, notes in
                let count = try Crashes.count(event, in: transaction.database)
                guard count >= limit else { return nil }
                let quarantined = try Crashes.quarantine(
                    event, notes.compactMap(\.invocation), after: count, at: time, in: transaction.database)
                for subject in quarantined.rules.compactMap(pausing) {
                    let reason = "\(Crashes.why(count)), at event \(event)"
                    try Pause(subject: subject, reason: reason, at: time).upsert(in: transaction.database)
                }
                return quarantined
            }
        }
    }

    public func suspects() async throws(EngineError) -> [Int64] {
        try await read { database in
            try Int64.fetchAll(
                database,
                sql: """
                    SELECT event FROM crashes WHERE EXISTS (
                        SELECT 1 FROM events WHERE sequence = crashes.event AND state IN ('pending', 'running'))
                      OR EXISTS (
                        SELECT 1 FROM invocations WHERE event = crashes.event
                          AND state NOT IN ('finished', 'failed', 'cancelled') AND state != 'parked')
                    ORDER BY event
                    """)
        }
    }

    public func pauses() async throws(EngineError) -> [Pause] {
        try await read { database in
            try Row.fetchCursor(database, sql: "SELECT subject, reason, at FROM pauses ORDER BY subject").mapAll {
                row in
                Pause(
                    subject: try row.decode(atIndex: 0), reason: try row.decode(atIndex: 1),
                    at: Date(microseconds: try row.decode(atIndex: 2)))
            }
        }
    }

    public func endlessHolds() async throws(EngineError) -> [String] {
        try await read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT hold_key FROM invocations
                    WHERE hold_key IS NOT NULL AND next_attempt_at IS NULL ORDER BY hold_key
                    """)
        }
    }

    public func release(
        _ key: String, at time: Date, limit: Int, epoch: Epoch
    ) async throws(EngineError) -> Int {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            return try Invocation.release(key, at: time, limit: limit, in: transaction.database)
        }
    }
}

extension Pause {
    func upsert(in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO pauses (subject, reason, at) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at
                """)
        try insert.execute(arguments: [subject, reason, at.microseconds])
    }
}

/// The SQL of events that end processes.
enum Crashes {
    /// What the reason of invocations begins with that are held back because of this.
    static let reason = "quarantined: "

    static func count(_ event: Int64, in database: Database) throws -> Int {
        try database.execute(
            sql: "INSERT INTO crashes (event, count) VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            arguments: [event])
        return try Int.fetchOne(database, sql: "SELECT count FROM crashes WHERE event = ?", arguments: [event]) ?? 0
    }

    static func why(_ count: Int) -> String { "the process ended \(count) times while it ran" }

    static func quarantine(
        _ event: Int64, _ invocations: [String], after count: Int, at time: Date, in database: Database
    ) throws -> Quarantined {
        let why = why(count)
        try database.execute(
            sql: """
                UPDATE events SET state = 'quarantined', note = ?, ended_at = ?
                WHERE sequence = ? AND state IN ('pending', 'running')
                """, arguments: [why, time.microseconds, event])
        let wasOpen = database.changesCount == 1
        let noted = try invocations.map(InvocationID.number(of:))
        let all = try Invocation.fetch(database, "WHERE event = ? ORDER BY number", [event])
        var rules: [String] = []
        for var invocation in all {
            let isNoted = try noted.contains(InvocationID.number(of: invocation.id))
            if isNoted { rules.append(invocation.rule) }
            guard !invocation.state.isEnded, isNoted || (wasOpen && invocation.state == .running) else { continue }
            invocation.state = .parked
            invocation.reason = reason + why
            invocation.nextAttemptAt = nil
            invocation.holdKey = nil
            invocation.updatedAt = time
            try invocation.upsert(in: database)
        }
        return Quarantined(event: event, crashes: count, rules: Set(rules).sorted())
    }

    static func reopen(_ event: Int64, at time: Date, in database: Database) throws {
        try database.execute(
            sql: """
                UPDATE events SET state = CASE WHEN matched_at IS NULL THEN 'pending' ELSE 'running' END, note = NULL,
                  ended_at = NULL, retried_at = ?
                WHERE sequence = ? AND state IN ('quarantined', 'failed', 'expired', 'held')
                """, arguments: [time.microseconds, event])
        guard database.changesCount == 1 else {
            let state = try String.fetchOne(
                database, sql: "SELECT state FROM events WHERE sequence = ?", arguments: [event])
            throw EngineError(.conflict, "event \(event) is \(state ?? "gone"); there is nothing to retry")
        }
        // The turn of an event that is matched for the rest does not run what earlier turns started.
        let isRest =
            try Bool.fetchOne(
                database, sql: "SELECT awaits IS NOT NULL FROM events WHERE sequence = ?", arguments: [event]) ?? false
        try database.execute(
            sql: """
                UPDATE invocations SET state = ?, next_attempt_at = ?, reason = NULL, updated_at = ?
                WHERE event = ? AND state = 'parked' AND reason LIKE ?
                """,
            arguments: [
                isRest ? "retrying" : "running", isRest ? time.microseconds : nil, time.microseconds, event,
                reason + "%",
            ])
        try database.execute(sql: "DELETE FROM crashes WHERE event = ?", arguments: [event])
    }
}
