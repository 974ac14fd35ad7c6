import Foundation

/// The folder in which one host keeps all it has: databases, keys, lock, admin socket. Only its owner may enter it.
struct StateDirectory: Sendable, Hashable {
    /// Absolute.
    let path: String

    /// Takes the folder at `path`, and makes it (mode 0700) if it is missing, with the folders above it.
    ///
    /// A folder that others may enter is refused rather than tightened: it may be a shared one named by mistake, and
    /// if it did hold keys, a person should know that they lay open.
    ///
    /// - Throws: ``StateError``: `badInput` for a wider mode, another owner, or something else at `path`.
    static func prepare(at path: String) throws(StateError) -> StateDirectory {
        let parent = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        } catch {
            throw StateError(.unavailable, "can't make the folder \(parent.path) for the state directory")
        }
        try makeFolder(path)
        return try existing(at: path)
    }

    /// Takes the folder that a host made at `path`.
    ///
    /// - Throws: ``StateError``: `notFound`, or as ``prepare(at:)``.
    static func existing(at path: String) throws(StateError) -> StateDirectory {
        guard let status = try status(of: path) else {
            throw StateError(
                .notFound, "there is no state directory at \(path): start the host first, or name its state_directory")
        }
        guard status.isFolder else { throw StateError(.badInput, "\(path) is not a folder") }
        guard status.isOwn else {
            throw StateError(.badInput, "the state directory \(path) belongs to another user")
        }
        guard status.mode & 0o077 == 0 else {
            throw StateError(
                .badInput,
                "other users may enter the state directory \(path) (mode \(octal(status.mode))): chmod 700 \(path)")
        }
        return StateDirectory(path: path)
    }

    /// A file or folder in it.
    func path(of name: String) -> String { path + "/" + name }

    /// The engine's inbox, journal and store.
    var engineDatabase: String { path(of: "engine.sqlite") }
    var gatewayDatabase: String { path(of: "gateway.sqlite") }
    var mediaFolder: String { path(of: "media") }

    /// Where a running host listens for the tool's commands.
    ///
    /// - Throws: ``StateError``, `badInput`, where the path is longer than a Unix socket's may be.
    func adminSocket() throws(StateError) -> String {
        let socket = path(of: "admin.sock")
        let length = socket.utf8.count
        guard length <= Self.socketPathByteLimit else {
            throw StateError(
                .badInput,
                "the admin socket's path \(socket) has \(length) bytes, and a socket's path may have "
                    + "\(Self.socketPathByteLimit): choose a shorter state_directory")
        }
        return socket
    }

    /// `sun_path` has 108 bytes on Linux, the closing zero included. Source: unix(7).
    static let socketPathByteLimit = 107

    /// Takes the folder for this process; it is free again when the lock is released or the process ends.
    ///
    /// - Parameter command: What this process is, for the message that another one gives: `tidewire dev`.
    /// - Throws: ``StateError``: `inUse`, naming the process that has it.
    func lock(command: String) throws(StateError) -> StateLock {
        try StateLock(file: path(of: "lock"), folder: path, command: command)
    }
}

func octal(_ mode: UInt32) -> String {
    "0" + String(mode & 0o7777, radix: 8)
}
