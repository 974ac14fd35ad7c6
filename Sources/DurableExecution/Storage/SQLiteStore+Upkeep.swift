import Foundation
import GRDB

extension SQLiteStore {
    public func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int {
        var total = try await pruneEvents(pruning, epoch)
        for table in [Identities.learnt, .produced] {
            total += try await prune(table, pruning, epoch)
        }
        total += try await pruneValues(pruning, epoch)
        _ = try await upkeep(epoch) { database, _ in
            try RefusedGroups.prune(before: pruning.events, in: database)
            return (0, true)
        }
        try await deleteLeftovers(epoch)
        return total
    }

    /// Runs `work` again and again, each time in a transaction of its own, until it says that nothing is left to do.
    ///
    /// - Parameter work: Does what it can until the deadline, and returns how much was done and whether all is.
    func upkeep(
        _ epoch: Epoch, _ work: @escaping @Sendable (Database, Deadline) throws -> (done: Int, isAll: Bool)
    ) async throws(EngineError) -> Int {
        var total = 0
        while !Task.isCancelled {
            let part = try await commits.submit { [patience] transaction in
                try transaction.check(epoch)
                return try work(transaction.database, Deadline(after: patience))
            }
            total += part.done
            if part.isAll { break }
        }
        return total
    }

    // MARK: Events

    /// Goes along the events in the order of their acceptance, page by page beside the writer, which gets only what is over.
    private func pruneEvents(_ pruning: Pruning, _ epoch: Epoch) async throws(EngineError) -> Int {
        var total = 0
        var place: Outdated.Place?
        while !Task.isCancelled {
            if let limit = pruning.size, try await size() <= limit { break }
            let page = try await read { [place] in try Outdated.page(pruning, after: place, in: $0) }
            guard let last = page.last else { break }
            place = last.place
            let old = page.filter(\.isOver).map(\.place.sequence)
            total = try await each(old, epoch, into: total) { $1 += try Outdated.delete($0, in: $2) ? 1 : 0 }
        }
        return total
    }

    /// Works on each of `items` in transactions that hold the writer for moments only.
    ///
    /// - Returns: `value`, as `work` changed it.
    func each<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ epoch: Epoch, into value: Value,
        _ work: @escaping @Sendable (Item, inout Value, Database) throws -> Void
    ) async throws(EngineError) -> Value {
        var next = 0
        var value = value
        while next < items.count, !Task.isCancelled {
            let (rest, former) = (items[next...], value)
            let part = try await commits.submit { [patience] transaction in
                try transaction.check(epoch)
                let deadline = Deadline(after: patience)
                var part = (looked: 0, value: former)
                for item in rest {
                    part.looked += 1
                    try work(item, &part.value, transaction.database)
                    if deadline.isOver { break }
                }
                return part
            }
            next += part.looked
            value = part.value
        }
        return value
    }

    func deleteLeftovers(_ epoch: Epoch) async throws(EngineError) {
        _ = try await upkeep(epoch) { database, deadline in
            (0, try Leftovers.delete(by: deadline, in: database))
        }
    }

    // MARK: Identities and values

    private func prune(_ table: Identities, _ pruning: Pruning, _ epoch: Epoch) async throws(EngineError) -> Int {
        var total = 0
        var last: Int64 = 0
        while !Task.isCancelled {
            let page = try await read { [last] in try table.page(after: last, limit: pruning.limit, in: $0) }
            let old = page.filter { $0.at < pruning.identities }.map(\.number)
            // They are numbered as they were learnt, so what follows is younger.
            guard let end = page.last?.number, !old.isEmpty else { break }
            last = end
            total = try await each(old, epoch, into: total) { $1 += try table.delete($0, in: $2) }
        }
        return total
    }

    private func pruneValues(_ pruning: Pruning, _ epoch: Epoch) async throws(EngineError) -> Int {
        try await upkeep(epoch) { database, deadline in
            let ended = try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT scope, key FROM store INDEXED BY store_ends
                        WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ?
                        """), arguments: [pruning.values.microseconds, pruning.limit])
            let delete = try database.cachedStatement(sql: "DELETE FROM store WHERE scope = ? AND key = ?")
            var done = 0
            for row in ended where done == 0 || !deadline.isOver {
                try delete.execute(arguments: [row[0] as String, row[1] as String])
                done += 1
            }
            return (done, done == ended.count && done < pruning.limit)
        }
    }

    // MARK: Files

    /// Gives free pages back to the file system and brings the log into the database file, in small steps.
    public func tidy() async throws(EngineError) {
        while !Task.isCancelled {
            let isDone = try await commits.submit { [patience] transaction in
                try Pages.giveBack(by: Deadline(after: patience), in: transaction.database)
            }
            if isDone { break }
        }
        _ = await checkpoints?.emptyLog()
    }

    /// A file that was made without the means to shrink gets them, if it is small enough to be written anew at once.
    static func makeShrinkable(_ database: Database) throws {
        guard try Pages.mode(of: database) == 0, try Pages.count(in: database) <= Pages.fewEnough else { return }
        do {
            // https://www.sqlite.org/pragma.html#pragma_auto_vacuum
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_FULL {
            // Somebody reads it, or there is no room for two: the next start tries again.
        }
    }

    /// Writes a consistent, compact copy to `path` while everything goes on; the content of a file that is there is replaced.
    ///
    /// The copy has one file, and gives back to the file system what becomes free in it.
    ///
    /// - Throws: ``EngineError``, `unavailable` if there is no room or the file can't be written.
    public func backUp(to path: String) async throws(EngineError) {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<(any Error)?, Never>) in
            // It is made under one read snapshot, on a thread that may wait for the disk.
            DispatchQueue.global(qos: .utility).async { [database] in
                do {
                    try Self.emptyFile(path)
                    try database.unsafeRead { database in
                        // Of the copy; where it is set already, SQLite would write it into this file.
                        if try Pages.mode(of: database) == 0 {
                            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                        }
                        // https://www.sqlite.org/lang_vacuum.html#vacuuminto; it does not sync what it writes.
                        try database.execute(sql: "VACUUM INTO ?", arguments: [path])
                    }
                    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
                    try file.synchronize()
                    try file.close()
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
        if let result { throw EngineError(.unavailable, "no backup was made at \(path): \(result)", cause: result) }
    }

    /// An empty file is written to as it is, so that it stays its owner's alone.
    private static func emptyFile(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 0)
        try file.close()
    }

    /// Looks for damage in the file.
    ///
    /// - Returns: What is wrong, in SQLite's words; empty if nothing is.
    public func checkIntegrity() async throws(EngineError) -> [String] {
        let answers = try await read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        return answers == ["ok"] ? [] : answers
    }
}
