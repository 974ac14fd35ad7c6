import Foundation
import GRDB

/// The SQL of events and their identities.
struct Inbox: Sendable {
    let hash: IdentityHash

    func accept(_ event: NewEvent, at time: Date, in database: Database) throws -> Acceptance {
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
        try note(event.keys, of: event.queue, in: database)
        return .accepted(sequence)
    }

    func claim(_ identity: String, for event: Int64, at time: Date, in database: Database) throws -> ClaimResult {
        try identify(event, by: [identity], at: time, in: database)
        let holder = try holder(of: identity, in: database)
        if let holder, holder != event { return .heldBy(holder) }
        if let producer = try producer(of: [identity], in: database) { try cause(event, producer, in: database) }
        return .claimed
    }

    func holder(of identity: String, in database: Database) throws -> Int64? {
        let select = try database.cachedStatement(sql: "SELECT event FROM identities WHERE identity = ?")
        return try first(of: [identity], select)
    }

    private func first(of identities: [String], _ select: Statement) throws -> Int64? {
        for identity in identities {
            for form in hash.forms(of: identity) {
                if let number = try Int64.fetchOne(select, arguments: [form]) { return number }
            }
        }
        return nil
    }

    // MARK: Causes

    /// Records what an invocation causes, in events that are there and for those to come.
    func produce(_ identities: [String], by invocation: String, at time: Date, in database: Database) throws {
        let number = try InvocationID.number(of: invocation)
        let insert = try database.cachedStatement(
            sql: "INSERT INTO productions (identity, invocation, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        for identity in identities {
            if try producer(of: [identity], in: database) == nil {
                try insert.execute(arguments: [hash(identity), number, time.microseconds])
            }
            if let event = try holder(of: identity, in: database) { try cause(event, invocation, in: database) }
        }
    }

    /// Sets the cause of an event that has none and has not had its turn.
    private func cause(_ event: Int64, _ invocation: String, in database: Database) throws {
        let update = try database.cachedStatement(
            sql: "UPDATE events SET cause = ? WHERE sequence = ? AND cause IS NULL AND state = 'pending'")
        try update.execute(arguments: [invocation, event])
    }

    func producer(of identities: [String], in database: Database) throws -> String? {
        let select = try database.cachedStatement(sql: "SELECT invocation FROM productions WHERE identity = ?")
        return try first(of: identities, select).map { InvocationID(number: $0).text }
    }

    /// Gives the identities that nobody has to the event.
    private func identify(
        _ event: Int64, by identities: [String], at time: Date, in database: Database
    ) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT INTO identities (identity, event, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        for identity in identities {
            let forms = hash.forms(of: identity)
            if forms.count > 1, try holder(of: identity, in: database) != nil { continue }
            try insert.execute(arguments: [forms[0], event, time.microseconds])
        }
    }

    // MARK: Keys of queues

    private func note(_ keys: [String], of queue: String, in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT INTO queue_keys (key, queue) VALUES (?, ?) ON CONFLICT DO NOTHING")
        for key in keys { try insert.execute(arguments: [hash(key), queue]) }
    }

    func queues(of key: String, in database: Database) throws -> [String] {
        let select = try database.cachedStatement(sql: "SELECT queue FROM queue_keys WHERE key = ? ORDER BY queue")
        return try String.fetchAll(select, arguments: [hash(key)])
    }
}
