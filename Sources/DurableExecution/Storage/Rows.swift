import Foundation
import GRDB

extension Event {
    private static let columns = """
        sequence, identity, queue, kind, source, payload, occurred_at, accepted_at, cause, state, note, awaits, retried_at
        """

    static func fetch(_ database: Database, _ clauses: String, _ arguments: StatementArguments) throws -> [Event] {
        let select = try database.cachedStatement(sql: "SELECT \(columns) FROM events \(clauses)")
        return try Row.fetchCursor(select, arguments: arguments).mapAll(Event.init(row:))
    }

    private init(row: Row) throws {
        self.init(
            sequence: try row.decode(atIndex: 0), identity: try row.decode(atIndex: 1),
            queue: try row.decode(atIndex: 2), kind: try row.decode(atIndex: 3), source: try row.decode(atIndex: 4),
            payload: try row.decode(atIndex: 5), occurredAt: try row.time(6), acceptedAt: try row.time(7),
            cause: try row.decode(atIndex: 8), state: try row.word(9), note: try row.decode(atIndex: 10),
            awaits: try Awaiting(stored: row.decode(atIndex: 11)), retriedAt: try row.timeIfPresent(12))
    }
}

extension Invocation {
    private static let columns = """
        number, event, queue, rule, version, state, reason, failure, attempt, created_at, updated_at, next_attempt_at, result,
        hold_key, cancel_request, dry
        """

    static func fetch(
        _ database: Database, _ clauses: String, _ arguments: StatementArguments
    ) throws -> [Invocation] {
        let select = try database.cachedStatement(sql: "SELECT \(columns) FROM invocations \(clauses)")
        return try Row.fetchCursor(select, arguments: arguments).mapAll(Invocation.init(row:))
    }

    /// As ``fetch(_:_:_:)``, but a row that can't be read is parked with the reason and left out.
    static func fetchParkingUnreadable(
        _ database: Database, _ clauses: String, _ arguments: StatementArguments
    ) throws -> [Invocation] {
        let select = try database.cachedStatement(sql: "SELECT \(columns) FROM invocations \(clauses)")
        var unreadable: [(number: Int64, reason: String)] = []
        let readable = try Row.fetchCursor(select, arguments: arguments).mapAll { row -> Invocation? in
            do {
                return try Invocation(row: row)
            } catch {
                unreadable.append((try row.decode(atIndex: 0), EngineError(storage: error).message))
                return nil
            }
        }
        let park = try database.cachedStatement(
            sql: """
                UPDATE invocations SET state = 'parked', reason = ?, failure = NULL, next_attempt_at = NULL,
                  hold_key = NULL WHERE number = ?
                """)
        for row in unreadable {
            try park.execute(arguments: ["its row can't be read: \(row.reason)", row.number])
        }
        return readable.compactMap(\.self)
    }

    private init(row: Row) throws {
        let failure: String? = try row.decode(atIndex: 7)
        self.init(
            id: InvocationID(number: try row.decode(atIndex: 0)).text, event: try row.decode(atIndex: 1),
            queue: try row.decode(atIndex: 2), rule: try row.decode(atIndex: 3), version: try row.decode(atIndex: 4),
            state: try row.word(5), reason: try row.decode(atIndex: 6),
            failure: try failure.map(StoredProgramFailure.decode), attempt: try row.decode(atIndex: 8),
            createdAt: try row.time(9), updatedAt: try row.time(10), nextAttemptAt: try row.timeIfPresent(11),
            holdKey: try row.decode(atIndex: 13), cancelRequest: try row.decode(atIndex: 14),
            result: try row.decode(atIndex: 12), isDry: try row.decode(atIndex: 15))
    }
}

extension JournalEntry {
    /// - Parameter byteLimit: Of inputs and outcomes together; one entry is read at least.
    static func fetch(
        _ database: Database, of invocation: String, from position: Int = 0, byteLimit: Int = .max
    ) throws -> [JournalEntry] {
        let select = try database.cachedStatement(
            sql: """
                SELECT position, name, input, effect, location, state, outcome, failure, checkpoint, attempts,
                  intended_at, ended_at, inbox_queue, inbox_place, held_at, held_for, asked
                FROM journal WHERE invocation = ? AND position >= ? ORDER BY position
                """)
        let rows = try Row.fetchCursor(select, arguments: [InvocationID.number(of: invocation), position])
        var entries: [JournalEntry] = []
        var bytes = 0
        while let row = try rows.next() {
            let entry = try JournalEntry(invocation, row: row)
            bytes += entry.input.count + (entry.outcome?.count ?? 0)
            guard entries.isEmpty || bytes <= byteLimit else { break }
            entries.append(entry)
        }
        return entries
    }

    private init(_ invocation: String, row: Row) throws {
        let failure: String? = try row.decode(atIndex: 7)
        self.init(
            invocation: invocation, position: try row.decode(atIndex: 0), name: try row.decode(atIndex: 1),
            input: try row.decode(atIndex: 2), effect: try row.decode(atIndex: 3), location: try row.decode(atIndex: 4),
            state: try row.word(5), outcome: try row.decode(atIndex: 6),
            failure: try failure.map(StoredCommandFailure.decode), checkpoint: try row.decode(atIndex: 8),
            attempts: try row.decode(atIndex: 9), intendedAt: try row.time(10), asked: try row.decode(atIndex: 16),
            endedAt: try row.timeIfPresent(11), heldAt: try row.timeIfPresent(14),
            heldFor: .microseconds(try row.decode(Int64.self, atIndex: 15)),
            inboxQueue: try row.decode(atIndex: 12), inboxPlace: try row.decode(atIndex: 13))
    }
}

extension RecordedLog {
    static func fetch(_ database: Database, of invocation: InvocationID) throws -> [RecordedLog] {
        let select = try database.cachedStatement(
            sql: "SELECT position, level, message, fields, location, at FROM logs WHERE invocation = ? ORDER BY number")
        return try Row.fetchCursor(select, arguments: [invocation.number]).mapAll { row in
            let line = LogLine(
                level: try row.decode(atIndex: 1), message: try row.decode(atIndex: 2),
                fields: try row.decode(atIndex: 3), location: try row.decode(atIndex: 4))
            return RecordedLog(position: try row.decode(atIndex: 0), line: line, at: try row.time(5))
        }
    }
}

extension RowCursor {
    /// Makes a value of each row before the next one overwrites it.
    func mapAll<Value>(_ make: (Row) throws -> Value) throws -> [Value] {
        var values: [Value] = []
        while let row = try next() { values.append(try make(row)) }
        return values
    }
}

extension Row {
    fileprivate func time(_ index: Int) throws -> Date {
        Date(microseconds: try decode(Int64.self, atIndex: index))
    }

    func timeIfPresent(_ index: Int) throws -> Date? {
        try decode(Int64?.self, atIndex: index).map(Date.init(microseconds:))
    }

    /// - Throws: ``EngineError``, `corrupted`, if the column holds none of the known words.
    fileprivate func word<Word: RawRepresentable>(_ index: Int) throws -> Word where Word.RawValue == String {
        let text = try decode(String.self, atIndex: index)
        guard let word = Word(rawValue: text) else {
            throw EngineError(.corrupted, "\(text) is no \(Word.self) that this version knows")
        }
        return word
    }
}
