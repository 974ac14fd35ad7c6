import Conversations
import Foundation
import GRDB
import Synchronization

/// The gateway's database: `gateway.sqlite` in WAL mode, every commit synced to the disk.
///
/// Writes that wait while one is synced are committed together, since a sync costs far more than a row: one at a time
/// they reach a few hundred a second, together tens of thousands. Each stands in its own savepoint, so a failing one
/// takes no other with it, and each returns only once it is on the disk.
final class GatewayStore: Sendable {
    private let pool: DatabasePool
    private let pending = Mutex<[PendingWrite]>([])

    /// Opens or makes the database.
    ///
    /// - Throws: ``GatewayError``.
    init(directory: URL) throws(GatewayError) {
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw GatewayError(
                .directoryNotWritable, "cannot make the directory \(directory.path): \(error.localizedDescription)",
                cause: error)
        }
        do {
            var configuration = Configuration()
            configuration.label = "gateway"
            configuration.busyMode = .timeout(5)
            // 8 MiB for each connection instead of 2: with a million messages, the upper pages of the indexes stay in it.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -8192") }
            pool = try DatabasePool(
                path: directory.appendingPathComponent("gateway.sqlite").path, configuration: configuration)
            // GRDB sets NORMAL with WAL; a commit is acknowledged here only once it is on the disk.
            // Source: https://www.sqlite.org/pragma.html#pragma_synchronous
            // A write touches some ten pages, far apart in a large database. The log takes 16 MiB instead of 4 before its
            // pages are brought home, so that most of them have come together by then, and few calls wait for it.
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096")
            }
            let migrator = GatewaySchema.migrator
            guard try !pool.read(migrator.hasBeenSuperseded) else {
                throw GatewayError(
                    .databaseNewer,
                    "the database in \(directory.path) was written by a later version of Tidewire: update Tidewire, "
                        + "or choose another directory")
            }
            try migrator.migrate(pool)
        } catch let error as GatewayError {
            throw error
        } catch {
            throw GatewayError(opening: directory, error)
        }
    }

    /// Reads one consistent state of the database.
    func read<Value: Sendable>(
        _ body: @Sendable @escaping (Database) throws -> Value
    ) async throws(APIError) -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw APIError(storage: error)
        }
    }

    /// Runs `body` and returns once its changes are on the disk; if it throws, nothing of it is kept.
    func write<Value: Sendable>(
        _ body: @Sendable @escaping (Database) throws -> Value
    ) async throws(APIError) -> Value {
        let outcome = await withCheckedContinuation { continuation in
            let isFirst = pending.withLock { pending in
                pending.append(PendingWrite(body, continuation))
                return pending.count == 1
            }
            // The writer's queue is serial: what is appended while it commits waits for the next turn, together.
            if isFirst { pool.asyncWriteWithoutTransaction { [self] in commitPending(in: $0) } }
        }
        do {
            return try outcome.get()
        } catch {
            throw APIError(storage: error)
        }
    }

    /// Writes while nobody else does, before the gateway serves.
    func writeAtStart(_ body: (Database) throws -> Void) throws {
        try pool.write(body)
    }

    private func commitPending(in database: Database) {
        let batch = pending.withLock { pending in
            defer { pending.removeAll() }
            return pending
        }
        var answers: [PendingWrite.Answer] = []
        do {
            try database.inTransaction(.immediate) {
                for write in batch {
                    let (answer, failure) = write.run(database)
                    answers.append(answer)
                    // SQLite itself rolls everything back on some errors, a full disk among them.
                    // Source: https://www.sqlite.org/lang_transaction.html, section 3
                    guard database.isInsideTransaction else {
                        throw failure ?? DatabaseError(resultCode: .SQLITE_ABORT)
                    }
                }
                return .commit
            }
            for answer in answers { answer(.success(())) }
        } catch {
            for answer in answers { answer(.failure(error)) }
            for write in batch.dropFirst(answers.count) { write.fail(error) }
        }
    }
}

/// A write that waits for its turn, whatever it returns.
private struct PendingWrite: Sendable {
    typealias Answer = (_ commit: Result<Void, any Error>) -> Void

    /// Runs the write in a savepoint; the answer must be called once it is known whether all was committed.
    let run: @Sendable (Database) -> (Answer, failure: (any Error)?)
    let fail: @Sendable (any Error) -> Void

    init<Value: Sendable>(
        _ body: @Sendable @escaping (Database) throws -> Value,
        _ continuation: CheckedContinuation<Result<Value, any Error>, Never>
    ) {
        run = { database in
            let result = Result { try database.inSavepointReturning(body) }
            let answer: Answer = { commit in continuation.resume(returning: commit.flatMap { result }) }
            guard case .failure(let error) = result else { return (answer, nil) }
            return (answer, error)
        }
        fail = { continuation.resume(returning: .failure($0)) }
    }
}

extension Database {
    fileprivate func inSavepointReturning<Value>(_ body: (Database) throws -> Value) throws -> Value {
        var value: Value?
        try inSavepoint {
            value = try body(self)
            return .commit
        }
        guard let value else { throw DatabaseError(resultCode: .SQLITE_ABORT) }
        return value
    }
}
