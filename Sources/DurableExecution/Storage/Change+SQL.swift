import Foundation
import GRDB

extension Change {
    func apply(in database: Database) throws {
        switch self {
        case .event(let sequence, let state, let note, let time):
            let update = try database.cachedStatement(
                sql: "UPDATE events SET state = ?, note = ?, ended_at = ? WHERE sequence = ?")
            let end = state.isOpen ? nil : time.microseconds
            try update.execute(arguments: [state.rawValue, note, end, sequence])
        case .matched(let event, let payload, let starts, let refusals, let time):
            try Self.match(event, payload, starts, refusals, time, in: database)
        case .entry(let entry):
            try entry.upsert(in: database)
        case .logs(let invocation, let position, let lines, let time):
            let number = try InvocationID.number(of: invocation)
            for line in lines { try line.insert(number, position, time, in: database) }
        case .invocation(let invocation):
            try invocation.upsert(in: database)
        }
    }

    private static func match(
        _ event: Int64, _ payload: Data?, _ starts: [Invocation], _ refusals: [Refusal], _ time: Date,
        in database: Database
    ) throws {
        let update = try database.cachedStatement(
            sql: """
                UPDATE events SET state = 'running', matched_at = ?, payload = coalesce(?, payload) WHERE sequence = ?
                """)
        try update.execute(arguments: [time.microseconds, payload, event])
        for start in starts { try start.upsert(in: database) }
        guard !refusals.isEmpty else { return }
        let insert = try database.cachedStatement(
            sql: "INSERT INTO refusals (event, list) VALUES (?, ?) ON CONFLICT DO UPDATE SET list = excluded.list")
        try insert.execute(arguments: [event, StoredRefusal.encode(refusals)])
    }
}

extension JournalEntry {
    fileprivate func upsert(in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO journal (invocation, position, name, input, effect, location, state, outcome, failure,
                  checkpoint, attempts, intended_at, ended_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET state = excluded.state, outcome = excluded.outcome, failure = excluded.failure,
                  checkpoint = excluded.checkpoint, attempts = excluded.attempts, ended_at = excluded.ended_at
                """)
        try insert.execute(arguments: [
            InvocationID.number(of: invocation), position, name, input, effect, location, state.rawValue, outcome,
            failure.map(StoredCommandFailure.encode), checkpoint, attempts, intendedAt.microseconds,
            endedAt?.microseconds,
        ])
    }
}

extension LogLine {
    fileprivate func insert(_ invocation: Int64, _ position: Int, _ time: Date, in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO logs (invocation, position, level, message, fields, location, at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        try insert.execute(arguments: [invocation, position, level, message, fields, location, time.microseconds])
    }
}

extension Invocation {
    static func takeDue(at time: Date, limit: Int, in database: Database) throws -> DueInvocations {
        var taken = try fetch(
            database, "WHERE next_attempt_at <= ? ORDER BY next_attempt_at, number LIMIT ?", [time.microseconds, limit])
        for index in taken.indices {
            taken[index].state = .running
            taken[index].attempt += 1
            taken[index].nextAttemptAt = nil
            taken[index].updatedAt = time
            try taken[index].upsert(in: database)
        }
        let next = try database.cachedStatement(
            sql: "SELECT min(next_attempt_at) FROM invocations WHERE next_attempt_at IS NOT NULL")
        return DueInvocations(taken: taken, next: try Int64.fetchOne(next).map(Date.init(microseconds:)))
    }

    fileprivate func upsert(in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO invocations (number, event, queue, rule, version, state, reason, failure, attempt,
                  created_at, updated_at, next_attempt_at, result)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET version = excluded.version, state = excluded.state, reason = excluded.reason,
                  failure = excluded.failure, attempt = excluded.attempt, updated_at = excluded.updated_at,
                  next_attempt_at = excluded.next_attempt_at, result = excluded.result
                """)
        try insert.execute(arguments: [
            InvocationID.number(of: id), event, queue, rule, version, state.rawValue, reason,
            failure.map(StoredProgramFailure.encode), attempt, createdAt.microseconds, updatedAt.microseconds,
            nextAttemptAt?.microseconds, result,
        ])
    }
}

extension InvocationID {
    /// - Throws: ``EngineError``, `badInput`, if `text` names no invocation.
    static func number(of text: String) throws -> Int64 {
        guard let id = InvocationID(text) else {
            throw EngineError(.badInput, "\(text) is not the id of an invocation (inv_ and 16 hexadecimal digits)")
        }
        return id.number
    }
}
