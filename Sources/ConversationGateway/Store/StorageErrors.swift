import Conversations
import Foundation
import GRDB

extension APIError {
    /// What a caller of the API learns of an error of the database: nothing of it took place, or an error that the
    /// write itself raised.
    init(storage error: any Error) {
        switch error {
        case let error as APIError:
            self = error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            self = .diskFull
        case let error as DatabaseError:
            self.init(
                .unavailable, "the gateway's database cannot be used now: \(error.message ?? "\(error.resultCode)")",
                status: 503, serverCode: "STORAGE_UNAVAILABLE")
        default:
            self.init(
                .unavailable, "the gateway could not finish the call: \(error)", status: 503,
                serverCode: "STORAGE_UNAVAILABLE")
        }
    }

    static let diskFull = APIError(
        .unavailable, "the gateway's disk is full: make room, then repeat the call", status: 507,
        serverCode: "STORAGE_FULL")
}

extension GatewayError {
    init(opening directory: URL, _ error: any Error) {
        let path = directory.path
        switch (error as? DatabaseError)?.resultCode {
        case .SQLITE_FULL:
            self.init(.diskFull, "the disk of \(path) is full: make room", cause: error)
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
            self.init(
                .directoryNotWritable, "cannot write to \(path): check who owns it and its permissions", cause: error)
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self.init(
                .databaseUnusable,
                "gateway.sqlite in \(path) is damaged or no database: move it away, or restore a copy", cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .databaseUnusable, "the database in \(path) is locked: another gateway uses this directory",
                cause: error)
        default:
            self.init(.databaseUnusable, "cannot open the database in \(path): \(error)", cause: error)
        }
    }
}
