import Foundation
import GRDB

extension SQLiteStore {
    public func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten {
        var forgotten = Forgotten()
        for queue in forgetting.queues where forgotten.events + forgotten.running < forgetting.limit {
            let events = try await read { [forgotten] in try Erasure.events(of: queue, forgetting, forgotten, in: $0) }
            forgotten = try await each(events, epoch, into: forgotten) { event, forgotten, database in
                try Erasure.forget(event, forgetting, &forgotten, in: database)
            }
        }
        for scope in forgetting.scopes where forgotten.values < forgetting.limit {
            let rest = forgetting.limit - forgotten.values
            let keys = try await read { database in
                try String.fetchAll(
                    database, sql: "SELECT key FROM store WHERE scope = ? LIMIT ?", arguments: [scope, rest])
            }
            forgotten.values += try await each(keys, epoch, into: 0) { key, count, database in
                let delete = try database.cachedStatement(sql: "DELETE FROM store WHERE scope = ? AND key = ?")
                try delete.execute(arguments: [scope, key])
                count += database.changesCount
            }
        }
        try await deleteLeftovers(epoch)
        return forgotten
    }

    public func scrub(isThorough: Bool, epoch: Epoch) async throws(EngineError) -> Remnants {
        try await hashIdentities(epoch)
        try await deleteLeftovers(epoch)
        try await blankFreePages(epoch)
        guard let checkpoints else { return [] }
        let remnants: Remnants = isThorough ? try await rewrite() : []
        for _ in 0..<10 {
            if await checkpoints.emptyLog() { return remnants }
        }
        return remnants.union(.log)
    }

    /// Writes a small file anew: where SQLite splits pages of a tree, copies stay in what is unused of them.
    private func rewrite() async throws(EngineError) -> Remnants {
        do {
            return try await database.writeWithoutTransaction { database in
                guard try Pages.count(in: database) <= Pages.fewEnough else { return .pages }
                do {
                    try database.execute(sql: "VACUUM")
                    return []
                } catch let error as DatabaseError where [.SQLITE_BUSY, .SQLITE_FULL].contains(error.resultCode) {
                    return .pages
                }
            }
        } catch {
            throw EngineError(storage: error)
        }
    }

    // MARK: What earlier versions left

    /// Makes hashes of the identities that an earlier version kept as they were.
    func hashIdentities(_ epoch: Epoch) async throws(EngineError) {
        guard !inbox.hash.isEverywhere else { return }
        for table in [Identities.learnt, .produced] {
            _ = try await upkeep(epoch) { [inbox] database, deadline in
                (0, try table.hash(with: inbox.hash, by: deadline, in: database))
            }
        }
        _ = try await upkeep(epoch) { database, deadline in
            (0, try Erasure.finishEarlier(by: deadline, in: database))
        }
        guard !Task.isCancelled else { return }
        inbox.hash.isEverywhere = true
    }

    /// Overwrites what earlier versions left in pages that are free.
    private func blankFreePages(_ epoch: Epoch) async throws(EngineError) {
        guard try await read({ try Meta.value("free_pages_blank", in: $0) }) == 0 else { return }
        _ = try await upkeep(epoch) { (0, try Pages.fill(by: $1, in: $0)) }
        _ = try await upkeep(epoch) { (0, try Pages.clear(by: $1, in: $0)) }
    }

    public func size() async throws(EngineError) -> Int {
        try await read { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0)
        }
    }
}

/// The SQL of forgetting.
enum Erasure {
    static func events(
        of queue: String, _ forgetting: Forgetting, _ forgotten: Forgotten, in database: Database
    ) throws -> [Int64] {
        let select = try database.cachedStatement(
            sql: """
                SELECT sequence FROM events INDEXED BY events_by_queue
                WHERE queue = ? AND sequence <= ? AND state != 'forgotten' ORDER BY sequence LIMIT ?
                """)
        let limit = forgetting.limit - forgotten.events - forgotten.running
        return try Int64.fetchAll(select, arguments: [queue, forgetting.through, limit])
    }

    static func forget(
        _ event: Int64, _ forgetting: Forgetting, _ forgotten: inout Forgotten, in database: Database
    ) throws {
        let invocations = try Invocation.fetch(database, "WHERE event = ?", [event])
        if forgetting.sparesRunning, invocations.contains(where: { $0.state == .running }) {
            forgotten.running += 1
            return
        }
        for invocation in invocations where !invocation.state.isEnded && invocation.state != .running {
            try Invocation.cancel(
                InvocationID.number(of: invocation.id), because: "forgotten", at: forgetting.at, in: database)
        }
        for sql in [
            "INSERT INTO leftovers (invocation) SELECT number FROM invocations WHERE event = ? ON CONFLICT DO NOTHING",
            """
            UPDATE invocations SET reason = 'forgotten', failure = NULL, result = NULL, cancel_request = NULL,
              hold_key = NULL, state = CASE state WHEN 'running' THEN 'cancelled' ELSE state END WHERE event = ?
            """,
            "DELETE FROM refusals WHERE event = ?",
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [event])
        }
        let update = try database.cachedStatement(
            sql: """
                UPDATE events SET identity = '', payload = X'', note = NULL, state = 'forgotten',
                  ended_at = coalesce(ended_at, ?) WHERE sequence = ? AND state != 'forgotten'
                """)
        try update.execute(arguments: [forgetting.at.microseconds, event])
        forgotten.events += database.changesCount
        forgotten.invocations += invocations.count
    }

    /// Erases the identities of events that an earlier version forgot.
    ///
    /// - Returns: Whether all are.
    static func finishEarlier(by deadline: Deadline, in database: Database) throws -> Bool {
        let update = try database.cachedStatement(
            sql: """
                UPDATE events SET identity = '' WHERE sequence IN (
                  SELECT sequence FROM events INDEXED BY events_unusual
                  WHERE state = 'forgotten' AND state NOT IN ('pending', 'running', 'done') AND identity != '' LIMIT 20)
                """)
        repeat {
            try update.execute()
            if database.changesCount == 0 { return true }
        } while !deadline.isOver
        return false
    }
}

/// Numbers that are kept about the database itself.
enum Meta {
    static func value(_ key: String, in database: Database) throws -> Int64 {
        let select = try database.cachedStatement(sql: "SELECT value FROM meta WHERE key = ?")
        return try Int64.fetchOne(select, arguments: [key]) ?? 0
    }

    static func set(_ key: String, to value: Int64, in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
        try insert.execute(arguments: [key, value])
    }
}

extension IdentityHash {
    convenience init(of database: Database) throws {
        let key = try Data.fetchOne(database, sql: "SELECT value FROM secrets WHERE name = 'identities'")
        guard let key else { throw EngineError(.corrupted, "the key of the identities is missing; restore a backup") }
        let tables = [Identities.learnt, .produced]
        self.init(key: key, isEverywhere: try tables.allSatisfy { try $0.isHashed(in: database) })
    }
}

extension Identities {
    private var plain: String { rawValue + "_plain" }
    private var hashed: String { rawValue + "_hashed" }

    func isHashed(in database: Database) throws -> Bool {
        try Meta.value(hashed, in: database) >= Meta.value(plain, in: database)
    }

    /// Makes hashes of the next identities that are none.
    ///
    /// - Returns: Whether there are no more.
    func hash(with hash: IdentityHash, by deadline: Deadline, in database: Database) throws -> Bool {
        let end = try Meta.value(plain, in: database)
        let select = try database.cachedStatement(
            sql: "SELECT number, identity FROM \(rawValue) WHERE number > ? AND number <= ? ORDER BY number LIMIT 50")
        let update = try database.cachedStatement(
            sql: "UPDATE OR REPLACE \(rawValue) SET identity = ? WHERE number = ?")
        repeat {
            let start = try Meta.value(hashed, in: database)
            let rows = try Row.fetchAll(select, arguments: [start, end])
            for row in rows { try update.execute(arguments: [hash(row[1]), row[0] as Int64]) }
            try Meta.set(hashed, to: rows.last.map { $0[0] } ?? end, in: database)
            if rows.isEmpty { return true }
        } while !deadline.isOver
        return false
    }
}
