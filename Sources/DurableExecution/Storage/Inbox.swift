import Foundation
import GRDB

/// The SQL of events and their identities.
enum Inbox {
    static func accept(_ event: NewEvent, at time: Date, in database: Database) throws -> Acceptance {
        guard let primary = event.identities.first else {
            throw EngineError(.badInput, "an event of queue \(event.queue) has no identity")
        }
        for identity in event.identities {
            if let known = try holder(of: identity, in: database) {
                try identify(known, by: event.identities, at: time, in: database)
                return .duplicate(of: known)
            }
        }
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO events (identity, queue, kind, source, payload, occurred_at, accepted_at, cause, state)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending')
                """)
        try insert.execute(arguments: [
            primary, event.queue, event.kind, event.source, event.payload, event.occurredAt.microseconds,
            time.microseconds, event.cause,
        ])
        let sequence = database.lastInsertedRowID
        try identify(sequence, by: event.identities, at: time, in: database)
        return .accepted(sequence)
    }

    static func claim(
        _ identity: String, for event: Int64, at time: Date, in database: Database
    ) throws -> ClaimResult {
        try identify(event, by: [identity], at: time, in: database)
        let holder = try holder(of: identity, in: database)
        return if let holder, holder != event { .heldBy(holder) } else { .claimed }
    }

    static func holder(of identity: String, in database: Database) throws -> Int64? {
        let select = try database.cachedStatement(sql: "SELECT event FROM identities WHERE identity = ?")
        return try Int64.fetchOne(select, arguments: [identity])
    }

    /// Gives the identities that nobody has to the event.
    private static func identify(
        _ event: Int64, by identities: [String], at time: Date, in database: Database
    ) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT INTO identities (identity, event, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        for identity in identities {
            try insert.execute(arguments: [identity, event, time.microseconds])
        }
    }
}
