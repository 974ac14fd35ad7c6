import Glibc

/// What `stat` tells of a file, as far as permissions go.
struct FileStatus: Sendable, Hashable {
    /// The twelve permission bits.
    var mode: UInt32
    var isFolder: Bool
    /// Whether it belongs to the user of this process.
    var isOwn: Bool
}

extension StateDirectory {
    /// Makes one folder with mode 0700; one that exists stays as it is.
    static func makeFolder(_ path: String) throws(StateError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        throw StateError(.unavailable, "can't make the state directory \(path): \(systemMessage(errno))")
    }

    /// Follows symbolic links. Nil if nothing is there.
    static func status(of path: String) throws(StateError) -> FileStatus? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw StateError(.unavailable, "can't look at \(path): \(systemMessage(errno))")
        }
        return FileStatus(
            mode: status.st_mode & 0o7777, isFolder: status.st_mode & S_IFMT == S_IFDIR,
            isOwn: status.st_uid == geteuid())
    }
}

/// The system's words for an error number.
func systemMessage(_ number: Int32) -> String {
    unsafe String(cString: strerror(number))
}
