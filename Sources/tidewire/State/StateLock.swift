import Synchronization

/// Holds a state directory for this process.
///
/// The lock is `flock`'s: the kernel drops it with the process, however that ends, so the file that a dead process
/// left means nothing.
final class StateLock: Sendable {
    /// Nil once released.
    private let descriptor: Mutex<Int32?>

    /// - Throws: ``StateError``: `inUse`, naming the process that holds `file`.
    init(file: String, folder: String, command: String) throws(StateError) {
        let opened = try Self.open(file)
        do throws(StateError) {
            guard try Self.take(opened, file: file) else {
                throw StateError(.inUse, Self.conflict(Self.content(of: opened), folder: folder))
            }
            try Self.write("\(Self.processID)\n\(command)\n", to: opened, file: file)
        } catch {
            Self.close(opened)
            throw error
        }
        descriptor = Mutex(opened)
    }

    /// Gives the folder back; further calls do nothing.
    func release() {
        descriptor.withLock { descriptor in
            if let held = descriptor { Self.release(held) }
            descriptor = nil
        }
    }

    deinit { release() }

    private static func conflict(_ content: String, folder: String) -> String {
        let lines = content.split(separator: "\n", maxSplits: 1)
        let remedy = "stop it first, or use another state_directory"
        guard lines.count == 2, Int(lines[0]) != nil else {
            return "another process uses the state directory \(folder): \(remedy)"
        }
        let command = lines[1].split(separator: "\n").first ?? ""
        return "process \(lines[0]) (\(command)) uses the state directory \(folder): \(remedy)"
    }
}
