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
        try await read { [inbox] in try inbox.holder(of: identity, in: $0) }
    }

    public func queues(of key: String) async throws(EngineError) -> [String] {
        try await read { [inbox] in try inbox.queues(of: key, in: $0) }
    }

    public func lastWithoutKeys() async throws(EngineError) -> Int64 {
        try await read { try Meta.value("events_without_keys", in: $0) }
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

    public func deliveries(of event: Int64) async throws(EngineError) -> [Invocation] {
        try await read { database in
            let select = try database.cachedStatement(
                sql: "SELECT invocation FROM deliveries WHERE event = ? ORDER BY number")
            let numbers = try Int64.fetchAll(select, arguments: [event])
            return try numbers.flatMap { try Invocation.fetch(database, "WHERE number = ?", [$0]) }
        }
    }

    public func journal(of invocation: String, from position: Int) async throws(EngineError) -> [JournalEntry] {
        try await read { try JournalEntry.fetch($0, of: invocation, from: position) }
    }

    public func journal(
        of invocation: String, from position: Int, byteLimit: Int
    ) async throws(EngineError) -> [JournalEntry] {
        try await read { try JournalEntry.fetch($0, of: invocation, from: position, byteLimit: byteLimit) }
    }

    public func waits(on queue: String) async throws(EngineError) -> WaitList {
        try await read { try Waiting.fetch($0, on: queue) }
    }

    public func producer(of identity: String) async throws(EngineError) -> String? {
        try await read { [inbox] in try inbox.producer(of: [identity], in: $0) }
    }

    public func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64 {
        try await read { database in
            let select = try database.cachedStatement(
                sql: "SELECT max(inbox_place) FROM journal WHERE invocation = ? AND inbox_queue = ?")
            let place = try Int64.fetchOne(select, arguments: [InvocationID.number(of: invocation.id), queue])
            return max(place ?? 0, invocation.event)
        }
    }

    public func countWaits(
        on queue: String, rule: String, besides invocation: String, limit: Int
    ) async throws(EngineError) -> Int {
        try await read {
            try Waiting.count(
                $0, on: queue, rule: rule, besides: InvocationID.number(of: invocation), limit: limit)
        }
    }

    public func passedEvents(
        after sequence: Int64, queue: String, limit: Int
    ) async throws(EngineError) -> [Event] {
        try await read {
            try Event.fetch(
                $0, "WHERE queue = ? AND sequence > ? AND state != 'pending' ORDER BY sequence LIMIT ?",
                [queue, sequence, limit])
        }
    }

    public func earliestPending(in queue: String) async throws(EngineError) -> Date? {
        try await read { database in
            let select = try database.cachedStatement(
                sql: "SELECT min(min(occurred_at, accepted_at)) FROM events WHERE queue = ? AND state = 'pending'")
            return try Int64.fetchOne(select, arguments: [queue]).map(Date.init(microseconds:))
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
        try await read { try Event.list(filter, in: $0) }
    }

    public func invocation(_ id: String) async throws(EngineError) -> Invocation? {
        guard let id = InvocationID(id) else { return nil }
        return try await read { try Invocation.fetch($0, "WHERE number = ?", [id.number]).first }
    }

    public func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation] {
        try await read { try Invocation.list(filter, in: $0) }
    }

    public func refusals(of event: Int64) async throws(EngineError) -> [Refusal] {
        try await read { database in
            let list = try String.fetchOne(
                database, sql: "SELECT list FROM refusals WHERE event = ?", arguments: [event])
            return try list.map { try RefusedGroups.refusals(in: $0, database) } ?? []
        }
    }

    public func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        guard let id = InvocationID(invocation) else { return [] }
        return try await read { try RecordedLog.fetch($0, of: id) }
    }
}
