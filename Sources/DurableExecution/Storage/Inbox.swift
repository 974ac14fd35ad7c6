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
            time.microseconds, try event.cause ?? producer(of: event.identities, in: database),
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
        if let holder, holder != event { return .heldBy(holder) }
        if let producer = try producer(of: [identity], in: database) { try cause(event, producer, in: database) }
        return .claimed
    }

    static func holder(of identity: String, in database: Database) throws -> Int64? {
        let select = try database.cachedStatement(sql: "SELECT event FROM identities WHERE identity = ?")
        return try Int64.fetchOne(select, arguments: [identity])
    }

    // MARK: Causes

    /// Records what an invocation causes, in events that are there and for those to come.
    static func produce(
        _ identities: [String], by invocation: String, at time: Date, in database: Database
    ) throws {
        let number = try InvocationID.number(of: invocation)
        let insert = try database.cachedStatement(
            sql: "INSERT INTO productions (identity, invocation, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        for identity in identities {
            try insert.execute(arguments: [identity, number, time.microseconds])
            if let event = try holder(of: identity, in: database) { try cause(event, invocation, in: database) }
        }
    }

    /// Sets the cause of an event that has none and has not had its turn.
    private static func cause(_ event: Int64, _ invocation: String, in database: Database) throws {
        let update = try database.cachedStatement(
            sql: "UPDATE events SET cause = ? WHERE sequence = ? AND cause IS NULL AND state = 'pending'")
        try update.execute(arguments: [invocation, event])
    }

    static func producer(of identities: [String], in database: Database) throws -> String? {
        let select = try database.cachedStatement(sql: "SELECT invocation FROM productions WHERE identity = ?")
        for identity in identities {
            if let number = try Int64.fetchOne(select, arguments: [identity]) {
                return InvocationID(number: number).text
            }
        }
        return nil
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
