import Glibc

extension StateLock {
    static var processID: Int32 { getpid() }

    /// Opens the lock's file, made with mode 0600 if it is missing; children don't inherit it.
    static func open(_ file: String) throws(StateError) -> Int32 {
        let descriptor = unsafe Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StateError(.unavailable, "can't open the lock \(file): \(systemMessage(errno))")
        }
        return descriptor
    }

    /// Takes the lock without waiting. False if another process has it.
    static func take(_ descriptor: Int32, file: String) throws(StateError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        if errno == EWOULDBLOCK { return false }
        throw StateError(.unavailable, "can't lock \(file): \(systemMessage(errno))")
    }

    /// What the holder wrote; empty where it has not yet.
    static func content(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }

    static func write(_ text: String, to descriptor: Int32, file: String) throws(StateError) {
        let bytes = Array(text.utf8)
        guard ftruncate(descriptor, 0) == 0, unsafe pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw StateError(.unavailable, "can't write the lock \(file): \(systemMessage(errno))")
        }
    }

    /// Empties the file, so that whoever fails to lock it next is not told of this process, and lets go.
    static func release(_ descriptor: Int32) {
        _ = ftruncate(descriptor, 0)
        close(descriptor)
    }

    static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }
}
