import GRDB

extension EngineError {
    /// Says in the engine's words what a database error means.
    ///
    /// Source of the meanings: SQLite, "Result and Error Codes" (https://www.sqlite.org/rescode.html).
    init(storage error: any Error) {
        switch error {
        case let error as EngineError:
            self = error
        case let error as DatabaseError:
            let code = Self.code(of: error.resultCode)
            self.init(code, Self.explanation(of: code, error), cause: error)
        case is RowDecodingError:
            self.init(.corrupted, "a stored row can't be read: \(error)", cause: error)
        case is CancellationError:
            self.init(.unavailable, "the call was cancelled", cause: error)
        default:
            self.init(.unavailable, "the database can't be used: \(error)", cause: error)
        }
    }

    private static func code(of result: ResultCode) -> Code {
        switch result {
        case .SQLITE_FULL, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_ABORT,
            .SQLITE_CANTOPEN:
            .unavailable
        case .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_READONLY, .SQLITE_PERM:
            .storeFailed
        default:
            .badInput
        }
    }

    private static func explanation(of code: Code, _ error: DatabaseError) -> String {
        let what = error.message ?? "error \(error.extendedResultCode.rawValue)"
        return switch code {
        case .unavailable where error.resultCode == .SQLITE_FULL:
            "the disk that holds the database is full; nothing was kept"
        case .unavailable: "the database is not available now (\(what)); nothing was kept"
        case .storeFailed: "the database failed (\(what)); the process must end, and what it last wrote is not certain"
        default: "the database refused this (\(what))"
        }
    }
}
