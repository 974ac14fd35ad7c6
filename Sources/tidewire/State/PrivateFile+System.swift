import Foundation
import Glibc

/// Small files that only their owner may read.
enum PrivateFile {
    private static let byteLimit = 1_048_576

    /// Nil if there is none.
    ///
    /// - Throws: ``StateError``, `badInput`, where it belongs to another user or others may read it.
    static func read(_ path: String) throws(StateError) -> Data? {
        guard let status = try StateDirectory.status(of: path) else { return nil }
        guard status.isOwn, status.mode & 0o077 == 0 else {
            throw StateError(
                .badInput,
                "other users may read \(path) (mode \(octal(status.mode))): delete it, and the next start makes new keys, "
                    + "or chmod 600 \(path) if nobody saw them")
        }
        guard let data = FileManager.default.contents(atPath: path), data.count <= byteLimit else {
            throw StateError(.unavailable, "can't read \(path)")
        }
        return data
    }

    /// Replaces the file as a whole, with mode 0600; on disk when it returns.
    static func write(_ data: Data, to path: String) throws(StateError) {
        let draft = path + ".new"
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open", draft) }
        defer { close(descriptor) }
        let bytes = Array(data)
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw failure("write", draft)
        }
        try move(draft, to: path)
    }

    /// Makes an empty file with mode 0600.
    ///
    /// - Throws: ``StateError`` if anything is there already, a link too.
    static func create(_ path: String) throws(StateError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("make", path) }
        close(descriptor)
    }

    /// Puts a file that is on disk where none is, in one step; on disk when it returns.
    ///
    /// - Throws: ``StateError`` if something is there.
    static func place(_ draft: String, at path: String) throws(StateError) {
        guard unsafe link(draft, path) == 0 else { throw failure("make", path) }
        guard unsafe unlink(draft) == 0 else { throw failure("delete", draft) }
        try syncFolder(of: path)
    }

    /// Puts a file that is on disk in place of another, or where none was, in one step; on disk when it returns.
    static func move(_ draft: String, to path: String) throws(StateError) {
        guard unsafe rename(draft, path) == 0 else { throw failure("rename", draft) }
        try syncFolder(of: path)
    }

    /// A rename lasts only once the folder is on disk. Source: fsync(2), notes.
    private static func syncFolder(of path: String) throws(StateError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", folder) }
    }

    private static func failure(_ action: String, _ path: String) -> StateError {
        StateError(.unavailable, "can't \(action) \(path): \(systemMessage(errno))")
    }
}
