import GRDB
import Synchronization

/// Brings the write-ahead log into the database file, on a connection of its own, so that the writer goes on meanwhile.
///
/// SQLite would do it within commits, for as long as it takes, and would never start the log anew where there is always
/// a reader or a writer. Source: SQLite, "Write-Ahead Logging" (https://www.sqlite.org/wal.html), 2.2 and 6.
final class Checkpoints: Sendable {
    /// Checkpoints are made about as often as SQLite makes them: one job changes some four pages, and SQLite counts 1,000.
    private static let jobsBetween = 256
    /// A batch is counted as this many jobs more, so that a slow trickle is brought over too.
    private static let batchWeight = 3
    /// Past this the log is started anew: 16 MiB.
    private static let longLog = 4096
    /// What the writer may be left to copy itself: 1 MiB.
    private static let shortRest = 256
    /// How long the writer waits for readers of the log, in milliseconds.
    private static let patience = 20

    private struct State {
        var weight = 0
        var isUnderWay = false
    }

    private let writer: any DatabaseWriter
    private let side: DatabaseQueue
    private let failed: @Sendable (EngineError) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - side: A connection to the same file that nobody else uses.
    ///   - failed: Told if the disk failed.
    init(writer: any DatabaseWriter, side: DatabaseQueue, failed: @escaping @Sendable (EngineError) -> Void) {
        self.writer = writer
        self.side = side
        self.failed = failed
    }

    /// Jobs were committed; makes a checkpoint once there were many.
    func committed(_ jobs: Int) {
        let starts = state.withLock { state in
            state.weight += jobs + Self.batchWeight
            guard state.weight >= Self.jobsBetween, !state.isUnderWay else { return false }
            state.weight = 0
            state.isUnderWay = true
            return true
        }
        guard starts else { return }
        side.asyncWriteWithoutTransaction { [self] side in
            if let log = copy(side), log.frames > Self.longLog, log.rest <= Self.shortRest {
                writer.asyncWriteWithoutTransaction { [self] in _ = end($0, .restart) }
            }
            state.withLock { $0.isUnderWay = false }
        }
    }

    /// Brings everything over and cuts the file of the log to nothing, unless a reader needs it for longer than a moment.
    ///
    /// - Returns: Whether the log is empty.
    func emptyLog() async -> Bool {
        await withCheckedContinuation { (waiter: CheckedContinuation<Bool, Never>) in
            side.asyncWriteWithoutTransaction { [self] side in
                guard let log = copy(side), log.rest <= Self.shortRest else { return waiter.resume(returning: false) }
                writer.asyncWriteWithoutTransaction { [self] in waiter.resume(returning: end($0, .truncate)) }
            }
        }
    }

    private struct Log {
        var frames: Int
        /// Frames that are not in the database file yet.
        var rest: Int
    }

    /// Copies what can be copied beside the writer, and again what came meanwhile.
    private func copy(_ side: Database) -> Log? {
        var log: Log?
        for _ in 0..<4 {
            guard let next = checkpoint(side, .passive) else { return nil }
            // What a long reader needs stays, however often it is tried.
            if let last = log, next.rest >= last.rest { return next }
            log = next
            if next.rest <= Self.shortRest / 4 { break }
        }
        return log
    }

    /// Starts the log anew, on the writer's own connection, so that nothing is added meanwhile.
    ///
    /// - Returns: Whether it could be.
    private func end(_ writer: Database, _ mode: Database.CheckpointMode) -> Bool {
        try? writer.execute(sql: "PRAGMA busy_timeout = \(Self.patience)")
        defer { try? writer.execute(sql: "PRAGMA busy_timeout = \(SQLiteStore.busyTimeout * 1000)") }
        return checkpoint(writer, mode).map { $0.rest == 0 } ?? false
    }

    private func checkpoint(_ database: Database, _ mode: Database.CheckpointMode) -> Log? {
        do {
            let (frames, copied) = try database.checkpoint(mode)
            return Log(frames: frames, rest: frames - copied)
        } catch {
            // A reader, a full disk: the log stays, and nothing is lost. After a failed write or sync nothing is certain.
            let error = EngineError(storage: error)
            if error.code == .storeFailed { failed(error) }
            return nil
        }
    }
}
