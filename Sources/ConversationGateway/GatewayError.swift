import Foundation
import NIOCore

/// Why the gateway could not start or go on, by what its operator can do about it.
public struct GatewayError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Fix the setting that the message names.
        case invalidConfiguration = "invalid_configuration"
        /// Another process listens there: stop it or choose another port.
        case portInUse = "port_in_use"
        /// The host's name or address is not one of this machine's, or the port needs more rights.
        case cannotListen = "cannot_listen"
        /// Give this user the right to write there, or choose another directory.
        case directoryNotWritable = "directory_not_writable"
        /// A later version wrote this database: update Tidewire, or choose another directory.
        case databaseNewer = "database_newer"
        /// The file is no database of the gateway, is damaged, or is locked by another process.
        case databaseUnusable = "database_unusable"
        /// Make room on the disk.
        case diskFull = "disk_full"
    }

    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}

extension GatewayError {
    init(listeningOn configuration: GatewayConfiguration, _ error: any Error) {
        let place = "\(configuration.host):\(configuration.port)"
        switch error {
        case let error as GatewayError:
            self = error
        case let error as IOError where error.errnoCode == EADDRINUSE:
            self.init(
                .portInUse, "\(place) is in use: stop who listens there, or choose another port", cause: error)
        default:
            self.init(.cannotListen, "cannot listen on \(place): \(error)", cause: error)
        }
    }
}
