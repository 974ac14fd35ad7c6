public import Foundation
import GRDB

extension SQLiteStore {
    public func cursor(_ name: String) async throws(EngineError) -> String? {
        try await read { try String.fetchOne($0, sql: "SELECT value FROM cursors WHERE name = ?", arguments: [name]) }
    }

    public func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data? {
        try await read { try StoreOperation.value(scope, key, at: time, in: $0) }
    }

    public func event(_ sequence: Int64) async throws(EngineError) -> Event? {
        try await read { try Event.fetch($0, "WHERE sequence = ?", [sequence]).first }
    }

    public func event(identity: String) async throws(EngineError) -> Int64? {
        try await read { try Inbox.holder(of: identity, in: $0) }
    }

    public func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event] {
        try await read { database in
            let open = "sequence > ? AND sequence <= ? AND state IN ('pending', 'running') ORDER BY sequence LIMIT ?"
            if let queue {
                return try Event.fetch(database, "WHERE queue = ? AND \(open)", [queue, sequence, last, limit])
            }
            return try Event.fetch(database, "WHERE \(open)", [sequence, last, limit])
        }
    }

    public func starts(of event: Int64) async throws(EngineError) -> [Invocation]? {
        try await read { database in
            let matched = try Bool.fetchOne(
                database, sql: "SELECT matched_at IS NOT NULL FROM events WHERE sequence = ?", arguments: [event])
            guard matched == true else { return nil }
            return try Invocation.fetch(database, "WHERE event = ? ORDER BY number", [event])
        }
    }

    public func journal(of invocation: String) async throws(EngineError) -> [JournalEntry] {
        try await read { try JournalEntry.fetch($0, of: invocation) }
    }

    public func waits(on queue: String) async throws(EngineError) -> WaitList {
        try await read { try Waiting.fetch($0, on: queue) }
    }

    public func producer(of identity: String) async throws(EngineError) -> String? {
        try await read { try Inbox.producer(of: [identity], in: $0) }
    }

    public func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64 {
        try await read { database in
            let select = try database.cachedStatement(
                sql: "SELECT max(inbox_place) FROM journal WHERE invocation = ? AND inbox_queue = ?")
            let place = try Int64.fetchOne(select, arguments: [InvocationID.number(of: invocation.id), queue])
            return max(place ?? 0, invocation.event)
        }
    }

    public func passedEvents(after sequence: Int64, queue: String) async throws(EngineError) -> [Event] {
        try await read {
            try Event.fetch(
                $0, "WHERE queue = ? AND sequence > ? AND state != 'pending' ORDER BY sequence", [queue, sequence])
        }
    }

    public func hasPending(
        after sequence: Int64, queue: String, by deadline: Date
    ) async throws(EngineError) -> Bool {
        try await read { database in
            let select = try database.cachedStatement(
                sql: """
                    SELECT 1 FROM events WHERE queue = ? AND sequence > ? AND state = 'pending'
                      AND min(occurred_at, accepted_at) <= ? LIMIT 1
                    """)
            return try Bool.fetchOne(select, arguments: [queue, sequence, deadline.microseconds]) ?? false
        }
    }

    public func events(_ filter: EventFilter) async throws(EngineError) -> [Event] {
        try await read { database in
            var conditions = Conditions()
            conditions.add("state", in: filter.states.map(\.rawValue))
            conditions.add("queue = ?", filter.queue)
            conditions.add("kind = ?", filter.kind)
            conditions.add("sequence < ?", filter.before)
            return try Event.fetch(
                database, "\(conditions.sql) ORDER BY sequence DESC LIMIT ?", conditions.arguments + [filter.limit])
        }
    }

    public func invocation(_ id: String) async throws(EngineError) -> Invocation? {
        guard let id = InvocationID(id) else { return nil }
        return try await read { try Invocation.fetch($0, "WHERE number = ?", [id.number]).first }
    }

    public func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation] {
        try await read { database in
            var conditions = Conditions()
            conditions.add("state", in: filter.states.map(\.rawValue))
            conditions.add("queue = ?", filter.queue)
            conditions.add("rule = ?", filter.rule)
            conditions.add("event = ?", filter.event)
            conditions.add("number < ?", try filter.before.map(InvocationID.number(of:)))
            return try Invocation.fetch(
                database, "\(conditions.sql) ORDER BY number DESC LIMIT ?", conditions.arguments + [filter.limit])
        }
    }

    public func refusals(of event: Int64) async throws(EngineError) -> [Refusal] {
        try await read { database in
            let list = try String.fetchOne(
                database, sql: "SELECT list FROM refusals WHERE event = ?", arguments: [event])
            return try list.map(StoredRefusal.decode) ?? []
        }
    }

    public func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        guard let id = InvocationID(invocation) else { return [] }
        return try await read { try RecordedLog.fetch($0, of: id) }
    }
}

/// A WHERE clause with the values that belong to it.
private struct Conditions {
    private var clauses: [String] = []
    private(set) var arguments: StatementArguments = []

    var sql: String { clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND ") }

    mutating func add(_ clause: String, _ value: (some DatabaseValueConvertible)?) {
        guard let value else { return }
        clauses.append(clause)
        arguments += [value]
    }

    /// Adds nothing if `values` is empty.
    mutating func add(_ column: String, in values: [String]) {
        guard !values.isEmpty else { return }
        clauses.append("\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
        arguments += StatementArguments(values.sorted())
    }
}
