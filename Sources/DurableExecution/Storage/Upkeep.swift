import Foundation
import GRDB

/// The end of one piece of upkeep, so that the writer is held for moments only.
struct Deadline: Sendable {
    private let end: ContinuousClock.Instant?

    /// - Parameter patience: Nil: none.
    init(after patience: Duration?) { end = patience.map { ContinuousClock.now + $0 } }

    var isOver: Bool { end.map { ContinuousClock.now >= $0 } ?? false }
}

/// Events that are old enough to be deleted.
struct Outdated {
    /// Where an event stands in the order of acceptance.
    struct Place: Sendable {
        var acceptedAt: Int64
        var sequence: Int64
    }

    var place: Place
    /// Whether nothing unfinished may need it.
    var isOver: Bool

    static func page(_ pruning: Pruning, after place: Place?, in database: Database) throws -> [Outdated] {
        let select = try database.cachedStatement(
            sql: """
                SELECT accepted_at, sequence FROM events INDEXED BY events_by_acceptance
                WHERE accepted_at < ? AND (accepted_at, sequence) > (?, ?) ORDER BY accepted_at, sequence LIMIT ?
                """)
        let arguments: StatementArguments = [
            pruning.events.microseconds, place?.acceptedAt ?? .min, place?.sequence ?? .min, pruning.limit,
        ]
        return try Row.fetchCursor(select, arguments: arguments)
            .mapAll { Place(acceptedAt: try $0.decode(atIndex: 0), sequence: try $0.decode(atIndex: 1)) }
            .map { Outdated(place: $0, isOver: try isOver($0.sequence, in: database)) }
    }

    /// How far before its beginning an invocation may look for its effects, clocks being apart, in microseconds.
    private static let tolerance = 60_000_000

    /// An unfinished invocation needs its own event, what came in its queues since (a wait may still look at that), and
    /// what others did in its queue during its life (it may have to tell its own effects from theirs, unless it waits:
    /// then it knows what became of all of them).
    private static func isOver(_ event: Int64, in database: Database) throws -> Bool {
        let unended = "state NOT IN ('finished', 'failed', 'cancelled')"
        let select = try database.cachedStatement(
            sql: """
                SELECT state NOT IN ('pending', 'running', 'held')
                  AND NOT EXISTS (
                    SELECT 1 FROM invocations i WHERE i.event = events.sequence AND i.\(unended))
                  AND NOT EXISTS (
                    SELECT 1 FROM invocations i INDEXED BY invocations_live
                    WHERE i.queue = events.queue AND i.\(unended) AND (i.event <= events.sequence
                      OR i.state NOT IN ('waiting', 'queued') AND i.created_at - \(tolerance) <= (
                        SELECT max(o.updated_at) FROM invocations o WHERE o.event = events.sequence)))
                  AND NOT EXISTS (
                    SELECT 1 FROM inboxes x JOIN invocations i ON i.number = x.invocation
                    WHERE x.queue = events.queue AND i.event <= events.sequence AND i.\(unended))
                FROM events WHERE sequence = ?
                """)
        return try Bool.fetchOne(select, arguments: [event]) ?? false
    }

    /// Deletes an event, if it is still over, with what it started; journals and log lines are left over.
    ///
    /// - Returns: Whether it was deleted.
    static func delete(_ event: Int64, in database: Database) throws -> Bool {
        guard try isOver(event, in: database) else { return false }
        let queue = try String.fetchOne(
            database.cachedStatement(sql: "SELECT queue FROM events WHERE sequence = ?"), arguments: [event])
        for sql in [
            "INSERT INTO leftovers (invocation) SELECT number FROM invocations WHERE event = ? ON CONFLICT DO NOTHING",
            "DELETE FROM invocations WHERE event = ?",
            "DELETE FROM refusals WHERE event = ?",
            "DELETE FROM crashes WHERE event = ?",
            "DELETE FROM events WHERE sequence = ?",
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [event])
        }
        let forgetKeys = try database.cachedStatement(
            sql: "DELETE FROM queue_keys WHERE queue = ? AND NOT EXISTS (SELECT 1 FROM events WHERE queue = ?)")
        try forgetKeys.execute(arguments: [queue, queue])
        return true
    }
}

/// Journals and log lines of deleted invocations; one may have more of them than can be deleted in a moment.
enum Leftovers {
    /// How many entries are deleted between two looks at the clock.
    private static let step = 20

    /// - Returns: Whether none are left.
    static func delete(by deadline: Deadline, in database: Database) throws -> Bool {
        let next = try database.cachedStatement(sql: "SELECT invocation FROM leftovers LIMIT 1")
        while let invocation = try Int64.fetchOne(next) {
            repeat {
                guard try delete(of: invocation, in: database) else { break }
            } while !deadline.isOver
            if deadline.isOver { return false }
        }
        return true
    }

    /// - Returns: Whether there may be more.
    private static func delete(of invocation: Int64, in database: Database) throws -> Bool {
        for sql in [
            """
            DELETE FROM journal WHERE invocation = ? AND position IN (
              SELECT position FROM journal WHERE invocation = ? LIMIT \(step))
            """,
            """
            DELETE FROM logs WHERE number IN (
              SELECT number FROM logs INDEXED BY logs_by_invocation WHERE invocation IN (?, ?) LIMIT \(step))
            """,
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [invocation, invocation])
            if database.changesCount > 0 { return true }
        }
        for sql in ["DELETE FROM inboxes WHERE invocation = ?", "DELETE FROM leftovers WHERE invocation = ?"] {
            try database.cachedStatement(sql: sql).execute(arguments: [invocation])
        }
        return false
    }
}

/// What events are recognised by: those that came, and those that are to come.
enum Identities: String, Sendable {
    case learnt = "identities"
    case produced = "productions"

    func page(after number: Int64, limit: Int, in database: Database) throws -> [(number: Int64, at: Date)] {
        let select = try database.cachedStatement(
            sql: "SELECT number, at FROM \(rawValue) WHERE number > ? ORDER BY number LIMIT ?")
        return try Row.fetchCursor(select, arguments: [number, limit]).mapAll { row in
            (try row.decode(atIndex: 0), Date(microseconds: try row.decode(atIndex: 1)))
        }
    }

    func delete(_ number: Int64, in database: Database) throws -> Int {
        try database.cachedStatement(sql: "DELETE FROM \(rawValue) WHERE number = ?").execute(arguments: [number])
        return database.changesCount
    }
}

/// The pages of the file.
enum Pages {
    /// Up to this size a file is written anew in a moment: 64 MiB.
    static let fewEnough = 16_384
    /// Free pages that are worth keeping, beside a tenth of those in use: the file would only grow again.
    private static let reserve = 256
    private static let step = 8

    static func count(in database: Database) throws -> Int { try number("page_count", database) }

    /// 0 if the file can't shrink, 2 if it is told to.
    static func mode(of database: Database) throws -> Int { try number("auto_vacuum", database) }

    static func free(in database: Database) throws -> Int { try number("freelist_count", database) }

    private static func number(_ pragma: String, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0
    }

    /// - Returns: Whether there are no more to give.
    static func giveBack(by deadline: Deadline, in database: Database) throws -> Bool {
        guard try mode(of: database) == 2 else { return true }
        repeat {
            let free = try free(in: database)
            let spare = free - (try count(in: database) - free) / 10 - reserve
            guard spare > 0 else { return true }
            // https://www.sqlite.org/pragma.html#pragma_incremental_vacuum
            try database.execute(sql: "PRAGMA incremental_vacuum(\(min(spare, step)))")
        } while !deadline.isOver
        return false
    }

    /// Takes every free page into use, with nothing on it.
    ///
    /// - Returns: Whether none is free.
    static func fill(by deadline: Deadline, in database: Database) throws -> Bool {
        try database.execute(sql: "CREATE TABLE IF NOT EXISTS blank (number INTEGER PRIMARY KEY, filler BLOB) STRICT")
        repeat {
            let free = try free(in: database)
            guard free > 0 else { return true }
            // A row takes a page of its own; a large one takes as many as it has kilobytes by four.
            try database.execute(
                sql: "INSERT INTO blank (filler) VALUES (zeroblob(?))", arguments: [free > 16 ? 40_000 : 3500])
        } while !deadline.isOver
        return false
    }

    /// Frees the pages again.
    ///
    /// - Returns: Whether all are free.
    static func clear(by deadline: Deadline, in database: Database) throws -> Bool {
        repeat {
            guard let last = try Int64.fetchOne(database, sql: "SELECT max(number) FROM blank") else {
                try database.execute(sql: "DROP TABLE blank")
                try Meta.set("free_pages_blank", to: 1, in: database)
                return true
            }
            try database.execute(sql: "DELETE FROM blank WHERE number = ?", arguments: [last])
        } while !deadline.isOver
        return false
    }
}
