import Foundation
import GRDB

extension SQLiteStore {
    public func arrange(_ sequences: [Int64], epoch: Epoch) async throws(EngineError) -> [Event] {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            return try Arrangement.apply(to: sequences, in: transaction.database)
        }
    }
}

/// The SQL of events that change places.
private enum Arrangement {
    static func apply(to sequences: [Int64], in database: Database) throws -> [Event] {
        let events = try open(sequences, in: database)
        // What ended a process before is known by its place.
        let suspects = try Set(
            Int64.fetchAll(
                database, sql: "SELECT event FROM crashes WHERE event IN (\(marks(events.count)))",
                arguments: StatementArguments(events.map(\.sequence))))
        let movable = events.filter { $0.state == .pending && !suspects.contains($0.sequence) }
        let moves = zip(movable, EventOrder.sorted(movable)).filter { $0.sequence != $1.sequence }
        guard !moves.isEmpty else { return events }
        try moveIdentities(
            Dictionary(uniqueKeysWithValues: moves.map { place, event in (event.sequence, place.sequence) }),
            in: database)
        for (place, event) in moves { try put(event, at: place.sequence, in: database) }
        return try open(sequences, in: database)
    }

    private static func open(_ sequences: [Int64], in database: Database) throws -> [Event] {
        try Event.fetch(
            database,
            "WHERE sequence IN (\(marks(sequences.count))) AND state IN ('pending', 'running') ORDER BY sequence",
            StatementArguments(sequences))
    }

    private static func put(_ event: Event, at sequence: Int64, in database: Database) throws {
        let update = try database.cachedStatement(
            sql: """
                UPDATE events SET identity = ?, kind = ?, source = ?, payload = ?, occurred_at = ?, accepted_at = ?,
                  cause = ?, note = ?, retried_at = ?
                WHERE sequence = ?
                """)
        try update.execute(arguments: [
            event.identity, event.kind, event.source, event.payload, event.occurredAt.microseconds,
            event.acceptedAt.microseconds, event.cause, event.note, event.retriedAt?.microseconds, sequence,
        ])
    }

    /// - Parameter places: Where each event goes.
    private static func moveIdentities(_ places: [Int64: Int64], in database: Database) throws {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT number, event FROM identities WHERE event IN (\(marks(places.count)))",
            arguments: StatementArguments(places.keys.sorted()))
        let update = try database.cachedStatement(sql: "UPDATE identities SET event = ? WHERE number = ?")
        for row in rows {
            let event: Int64 = try row.decode(atIndex: 1)
            try update.execute(arguments: [places[event] ?? event, try row.decode(Int64.self, atIndex: 0)])
        }
    }

    private static func marks(_ count: Int) -> String { Array(repeating: "?", count: count).joined(separator: ", ") }
}
