public import Foundation
import GRDB
import Synchronization

/// The embedded store: one SQLite file in WAL mode, every commit synced, one writer, readers beside it.
public final class SQLiteStore: DurableStore {
    let database: any DatabaseWriter
    let commits: GroupCommit
    let inbox: Inbox
    /// Nil where there is no log to bring over.
    let checkpoints: Checkpoints?
    /// How long one piece of upkeep may work in a transaction; nil: as long as it takes, in memory.
    let patience: Duration?

    /// Opens the file at `path`, makes it if need be, and brings its schema up to date.
    ///
    /// - Throws: ``EngineError``: `conflict` if a newer version of the program wrote the file; else as the database says.
    public convenience init(path: String) throws(EngineError) { try self.init(path: path, prepare: { _ in }) }

    /// - Parameter prepare: Called with each connection.
    convenience init(path: String, prepare: @escaping @Sendable (Database) throws -> Void) throws(EngineError) {
        do {
            let configuration = Self.configuration(prepare)
            let pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB sets NORMAL in WAL mode, which syncs at checkpoints only: a power cut could take acknowledged events.
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // A log that grew in a burst is cut back at the next checkpoint.
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            }
            let side = try DatabaseQueue(path: path, configuration: configuration)
            try side.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try self.init(database: pool, side: side)
            try pool.writeWithoutTransaction { try Self.makeShrinkable($0) }
        } catch {
            throw EngineError(storage: error)
        }
    }

    /// A store that ends with the process, for trying things and for tests.
    public static func inMemory() throws(EngineError) -> SQLiteStore { try inMemory(lastSequence: 0) }

    /// - Parameters:
    ///   - last: The sequence after which its events are counted.
    ///   - prepare: Called with its connection.
    static func inMemory(
        lastSequence last: Int64, prepare: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) throws(EngineError) -> SQLiteStore {
        do {
            let store = try SQLiteStore(database: DatabaseQueue(configuration: configuration(prepare)))
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
            var configuration = Self.configuration { _ in }
            configuration.readonly = true
            try self.init(database: DatabaseQueue(path: path, configuration: configuration), isReadOnly: true)
        } catch {
            throw EngineError(storage: error)
        }
    }

    private init(database: any DatabaseWriter, side: DatabaseQueue? = nil, isReadOnly: Bool = false) throws {
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
        let failure = Mutex<(@Sendable (EngineError) -> Void)?>(nil)
        let checkpoints = side.map { side in
            Checkpoints(writer: database, side: side) { error in failure.withLock { $0 }?(error) }
        }
        let commits = GroupCommit(writer: database) { checkpoints?.committed($0) }
        failure.withLock { $0 = { [weak commits] in commits?.breakDown($0) } }
        self.checkpoints = checkpoints
        self.commits = commits
        inbox = Inbox(hash: try database.read(IdentityHash.init(of:)))
        patience = side.map { _ in .milliseconds(8) }
    }

    /// How long another process may hold the lock (a backup, somebody's sqlite3 shell), in seconds.
    static let busyTimeout = 5

    private static func configuration(
        _ prepare: @escaping @Sendable (Database) throws -> Void
    ) -> Configuration {
        var configuration = Configuration()
        configuration.label = "DurableExecution"
        configuration.busyMode = .timeout(TimeInterval(busyTimeout))
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            // What is overwritten or deleted must not stay readable, not in free pages either; see forget(_:epoch:).
            try database.execute(sql: "PRAGMA secure_delete = ON")
            // Of a new file only: https://www.sqlite.org/pragma.html#pragma_auto_vacuum
            if !database.configuration.readonly { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            try prepare(database)
        }
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
        try await commits.submit { [inbox] transaction in
            try transaction.check(epoch)
            return try events.map { event in
                for fact in event.facts { try fact.keep(in: transaction.database, inbox.hash) }
                return try inbox.accept(event, at: time, in: transaction.database)
            }
        }
    }

    public func claim(
        _ identity: String, for event: Int64, at time: Date, epoch: Epoch
    ) async throws(EngineError) -> ClaimResult {
        try await commits.submit { [inbox] transaction in
            try transaction.check(epoch)
            return try inbox.claim(identity, for: event, at: time, in: transaction.database)
        }
    }

    public func write(_ changes: [Change], epoch: Epoch) async throws(EngineError) {
        try await commits.submit { [inbox] transaction in
            try transaction.check(epoch)
            for change in changes { try change.apply(in: transaction.database, inbox) }
        }
    }

    public func perform(
        _ operation: StoreOperation, quota: StoreQuota?, entry: JournalEntry, changes: [Change], at time: Date,
        epoch: Epoch
    ) async throws(EngineError) -> JournalEntry {
        try await commits.submit { [inbox] transaction in
            try transaction.check(epoch)
            for change in changes { try change.apply(in: transaction.database, inbox) }
            var entry = entry
            do throws(StoreOperation.Refusal) {
                entry.outcome = try operation.perform(within: quota, at: time, in: transaction.database)
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
            try Change.entry(entry).apply(in: transaction.database, inbox)
            return entry
        }
    }

    public func recover(at time: Date, epoch: Epoch) async throws(EngineError) {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            // The wider condition is there to be answered by a partial index.
            try transaction.database.execute(
                sql: """
                    UPDATE invocations SET state = 'retrying', next_attempt_at = ?
                    WHERE state NOT IN ('finished', 'failed', 'cancelled') AND state = 'running'
                      AND NOT EXISTS (
                        SELECT 1 FROM events WHERE sequence = invocations.event AND state = 'running'
                          AND awaits IS NULL)
                      AND number NOT IN (
                        SELECT d.invocation FROM deliveries d JOIN events e ON e.sequence = d.event
                        WHERE e.state = 'running' AND e.awaits IS NULL)
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
