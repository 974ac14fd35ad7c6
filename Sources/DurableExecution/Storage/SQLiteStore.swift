public import Foundation
import GRDB

/// The embedded store: one SQLite file in WAL mode, every commit synced, one writer, readers beside it.
public final class SQLiteStore: DurableStore {
    let database: any DatabaseWriter
    let commits: GroupCommit

    /// Opens the file at `path`, makes it if need be, and brings its schema up to date.
    ///
    /// - Throws: ``EngineError``: `conflict` if a newer version of the program wrote the file; else as the database says.
    public convenience init(path: String) throws(EngineError) {
        do {
            let pool = try DatabasePool(path: path, configuration: Self.configuration)
            // GRDB sets NORMAL in WAL mode, which syncs at checkpoints only: a power cut could take acknowledged events.
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // A log that grew in a burst is cut back at the next checkpoint.
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
            }
            try self.init(database: pool)
        } catch {
            throw EngineError(storage: error)
        }
    }

    /// A store that ends with the process, for trying things and for tests.
    public static func inMemory() throws(EngineError) -> SQLiteStore { try inMemory(lastSequence: 0) }

    /// - Parameter last: The sequence after which its events are counted.
    static func inMemory(lastSequence last: Int64) throws(EngineError) -> SQLiteStore {
        do {
            let store = try SQLiteStore(database: DatabaseQueue(configuration: configuration))
            if last > 0 {
                // How AUTOINCREMENT counts: https://www.sqlite.org/autoinc.html
                try store.database.write {
                    try $0.execute(
                        sql: "INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", arguments: [last])
                }
            }
            return store
        } catch {
            throw EngineError(storage: error)
        }
    }

    /// Opens a file that another process may be using, only to read it; writes fail.
    ///
    /// - Throws: ``EngineError``: `conflict` if another version of the program wrote the file; else as the database says.
    public convenience init(reading path: String) throws(EngineError) {
        do {
            var configuration = Self.configuration
            configuration.readonly = true
            try self.init(database: DatabaseQueue(path: path, configuration: configuration), isReadOnly: true)
        } catch {
            throw EngineError(storage: error)
        }
    }

    private init(database: any DatabaseWriter, isReadOnly: Bool = false) throws {
        let migrator = Self.migrator
        if try database.read(migrator.hasBeenSuperseded) {
            throw EngineError(.conflict, "the database was written by a newer version; use that version or a backup")
        }
        if isReadOnly {
            guard try database.read(migrator.hasCompletedMigrations) else {
                throw EngineError(
                    .conflict, "the database is an older version's; a host that starts on it brings it up to date")
            }
        } else {
            try migrator.migrate(database)
        }
        self.database = database
        commits = GroupCommit(writer: database)
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "DurableExecution"
        // Another process may hold the lock for a moment (a backup, somebody's sqlite3 shell).
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        // What is overwritten or deleted must not stay readable in pages that are written anyway; see forget(_:epoch:).
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA secure_delete = FAST") }
        return configuration
    }

    func read<Value: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Value
    ) async throws(EngineError) -> Value {
        do {
            return try await database.read(query)
        } catch {
            throw EngineError(storage: error)
        }
    }

    public func makeScratch(after sequence: Int64) throws(EngineError) -> any DurableStore {
        try Self.inMemory(lastSequence: sequence)
    }

    // MARK: Writing

    public func takeOver() async throws(EngineError) -> Epoch {
        try await commits.submit { transaction in
            let epoch = Epoch(number: transaction.epoch.number + 1)
            try epoch.makeCurrent(in: transaction.database)
            transaction.epoch = epoch
            return epoch
        }
    }

    public func accept(
        _ events: [NewEvent], at time: Date, epoch: Epoch
    ) async throws(EngineError) -> [Acceptance] {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            return try events.map { try Inbox.accept($0, at: time, in: transaction.database) }
        }
    }

    public func claim(
        _ identity: String, for event: Int64, at time: Date, epoch: Epoch
    ) async throws(EngineError) -> ClaimResult {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            return try Inbox.claim(identity, for: event, at: time, in: transaction.database)
        }
    }

    public func write(_ changes: [Change], epoch: Epoch) async throws(EngineError) {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            for change in changes { try change.apply(in: transaction.database) }
        }
    }

    public func perform(
        _ operation: StoreOperation, entry: JournalEntry, changes: [Change], at time: Date, epoch: Epoch
    ) async throws(EngineError) -> JournalEntry {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            for change in changes { try change.apply(in: transaction.database) }
            var entry = entry
            do throws(StoreOperation.Refusal) {
                entry.outcome = try operation.perform(at: time, in: transaction.database)
                entry.state = .succeeded
            } catch {
                switch error {
                case .refused(let failure):
                    entry.failure = failure
                    entry.state = .failed
                case .database(let error): throw error
                }
            }
            entry.endedAt = time
            try Change.entry(entry).apply(in: transaction.database)
            return entry
        }
    }

    public func recover(at time: Date, epoch: Epoch) async throws(EngineError) {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            // The wider conditions are there to be answered by the partial indexes.
            try transaction.database.execute(
                sql: """
                    UPDATE invocations SET state = 'retrying', next_attempt_at = ?
                    WHERE state NOT IN ('finished', 'failed', 'cancelled') AND state = 'running' AND event NOT IN (
                      SELECT sequence FROM events WHERE state IN ('pending', 'running') AND state = 'running')
                    """,
                arguments: [time.microseconds])
            let unwanted = try Row.fetchAll(
                transaction.database,
                sql: """
                    SELECT number, cancel_request FROM invocations
                    WHERE state NOT IN ('finished', 'failed', 'cancelled') AND state != 'running'
                      AND cancel_request IS NOT NULL
                    """)
            for row in unwanted {
                try Invocation.cancel(
                    try row.decode(atIndex: 0), because: try row.decode(atIndex: 1), at: time, in: transaction.database)
            }
        }
    }

    public func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            return try Invocation.takeDue(at: time, limit: limit, in: transaction.database)
        }
    }

    public func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError) {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            if let value {
                try transaction.database.execute(
                    sql:
                        "INSERT INTO cursors (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                    arguments: [name, value])
            } else {
                try transaction.database.execute(sql: "DELETE FROM cursors WHERE name = ?", arguments: [name])
            }
        }
    }
}

extension Epoch {
    static func current(in database: Database) throws -> Epoch {
        let statement = try database.cachedStatement(sql: "SELECT value FROM meta WHERE key = 'epoch'")
        return Epoch(number: try Int64.fetchOne(statement) ?? 0)
    }

    func makeCurrent(in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO meta (key, value) VALUES ('epoch', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            arguments: [number])
    }
}
