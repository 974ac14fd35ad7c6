import Foundation
import GRDB

extension Waiting {
    /// Writes the wait under a new number, in place of the invocation's former one, whose age it keeps.
    func register(in database: Database) throws {
        let id = try InvocationID.number(of: invocation)
        let former = try database.cachedStatement(sql: "SELECT opened FROM waits WHERE invocation = ? AND position = ?")
        let opened = try Int64.fetchOne(former, arguments: [id, position])
        try Self.remove(of: id, in: database)
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO waits (opened, invocation, position, queue, since, deadline, exclusive)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        try insert.execute(arguments: [
            opened ?? Self.latest(in: database) + 1, id, position, queue, since, deadline?.microseconds, exclusive,
        ])
    }

    static func remove(of invocation: Int64, in database: Database) throws {
        let delete = try database.cachedStatement(sql: "DELETE FROM waits WHERE invocation = ?")
        try delete.execute(arguments: [invocation])
    }

    func deliver(_ event: Int64, outcome: Data, at time: Date, in database: Database) throws {
        let id = try InvocationID.number(of: invocation)
        guard var invocation = try Invocation.fetch(database, "WHERE number = ?", [id]).first,
            try isOpen(invocation.state, in: database)
        else {
            throw EngineError(.conflict, "\(self.invocation) waits no more")
        }
        invocation.state = .running
        invocation.attempt += 1
        invocation.reason = nil
        invocation.nextAttemptAt = nil
        invocation.holdKey = nil
        invocation.updatedAt = time
        try invocation.upsert(in: database)
        try Self.remove(of: id, in: database)
        let update = try database.cachedStatement(
            sql: """
                UPDATE journal SET state = 'succeeded', outcome = ?, ended_at = ?,
                  inbox_queue = CASE effect WHEN 'wait' THEN ? ELSE inbox_queue END,
                  inbox_place = CASE effect WHEN 'wait' THEN ? ELSE inbox_place END
                WHERE invocation = ? AND position = ?
                """)
        try update.execute(arguments: [outcome, time.microseconds, queue, event, id, position])
        let insert = try database.cachedStatement(sql: "INSERT INTO deliveries (event, invocation) VALUES (?, ?)")
        try insert.execute(arguments: [event, id])
    }

    static func removeDeliveries(of event: Int64, in database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM deliveries WHERE event = ?").execute(arguments: [event])
    }

    /// Whether it is still registered, and the invocation stands at its command.
    private func isOpen(_ state: InvocationState, in database: Database) throws -> Bool {
        let select = try database.cachedStatement(
            sql: """
                SELECT j.state FROM waits w JOIN journal j ON j.invocation = w.invocation AND j.position = w.position
                WHERE w.number = ?
                """)
        guard let entry = try String.fetchOne(select, arguments: [number]) else { return false }
        return state == .waiting || state == .held && entry == EntryState.held.rawValue
    }

    /// The number of the latest registration.
    static func latest(in database: Database) throws -> Int64 {
        let select = try database.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'waits'")
        return try Int64.fetchOne(select) ?? 0
    }

    static func fetch(_ database: Database, on queue: String) throws -> WaitList {
        let select = try database.cachedStatement(
            sql: """
                SELECT w.number, w.opened, w.invocation, i.rule, i.event, w.position, j.name, j.input, w.since,
                  w.deadline, w.exclusive, i.dry
                FROM waits w
                JOIN invocations i ON i.number = w.invocation
                JOIN journal j ON j.invocation = w.invocation AND j.position = w.position
                WHERE w.queue = ? AND (i.state = 'waiting' OR (i.state = 'held' AND j.state = 'held'))
                ORDER BY w.opened DESC
                """)
        let waits = try Row.fetchCursor(select, arguments: [queue]).mapAll { try Waiting(queue, row: $0) }
        return WaitList(waits: waits, latest: try latest(in: database))
    }

    static func count(
        _ database: Database, on queue: String, rule: String, besides invocation: Int64, limit: Int
    ) throws -> Int {
        let select = try database.cachedStatement(
            sql: """
                SELECT count(*) FROM (
                  SELECT 1 FROM waits w JOIN invocations i ON i.number = w.invocation
                  WHERE w.queue = ? AND i.rule = ? AND w.invocation != ? LIMIT ?)
                """)
        return try Int.fetchOne(select, arguments: [queue, rule, invocation, limit]) ?? 0
    }

    private init(_ queue: String, row: Row) throws {
        self.init(
            number: try row.decode(atIndex: 0), opened: try row.decode(atIndex: 1),
            invocation: InvocationID(number: try row.decode(atIndex: 2)).text, rule: try row.decode(atIndex: 3),
            trigger: try row.decode(atIndex: 4), position: try row.decode(atIndex: 5), name: try row.decode(atIndex: 6),
            input: try row.decode(atIndex: 7), queue: queue, since: try row.decode(atIndex: 8),
            deadline: try row.timeIfPresent(9), exclusive: try row.decode(atIndex: 10),
            isDry: try row.decode(atIndex: 11))
    }
}

extension Expectation {
    func check(in database: Database) throws {
        guard try !holds(in: database) else { return }
        throw EngineError(.conflict, "something else happened first: expected \(self)")
    }

    private func holds(in database: Database) throws -> Bool {
        switch self {
        case .noNewWaits(let queue, let number):
            let select = try database.cachedStatement(sql: "SELECT 1 FROM waits WHERE queue = ? AND number > ? LIMIT 1")
            return try Bool.fetchOne(select, arguments: [queue, number]) == nil
        case .noEvents(let queue, let sequence):
            let select = try database.cachedStatement(
                sql: "SELECT 1 FROM events WHERE queue = ? AND sequence > ? LIMIT 1")
            return try Bool.fetchOne(select, arguments: [queue, sequence]) == nil
        case .invocationState(let id, let state):
            let select = try database.cachedStatement(sql: "SELECT state FROM invocations WHERE number = ?")
            return try String.fetchOne(select, arguments: [InvocationID.number(of: id)]) == state.rawValue
        case .remembered(let event):
            let select = try database.cachedStatement(
                sql: "SELECT 1 FROM events WHERE sequence = ? AND state = 'forgotten'")
            return try Bool.fetchOne(select, arguments: [event]) == nil
        case .openEvent(let sequence, let cause):
            let select = try database.cachedStatement(
                sql: "SELECT 1 FROM events WHERE sequence = ? AND cause IS ? AND state IN ('pending', 'running')")
            return try Bool.fetchOne(select, arguments: [sequence, cause]) ?? false
        }
    }
}
