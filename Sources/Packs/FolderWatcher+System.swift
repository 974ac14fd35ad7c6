public import Foundation

#if canImport(Glibc)
    import Glibc

    /// Tells when files in a set of folders are saved, moved or deleted, by Linux's inotify.
    ///
    /// A file counts as changed once it was closed after writing or moved into place, never while half written.
    /// Changes that come within ``quiet`` of each other are told once. Source: Linux man-pages, inotify(7).
    public final class FolderWatcher: Sendable {
        /// How long the folders must be quiet before a change is told.
        public static let quiet: Duration = .milliseconds(40)

        private let inotify: CInt
        private let stop: (read: CInt, write: CInt)

        /// Yields after each burst of changes; ends with ``close()``.
        public let changes: AsyncStream<Void>

        /// - Parameter folders: Asked anew after each change, so that folders made later are watched too.
        /// - Throws: ``PackError`` `.unreadable` if the system grants no watch.
        public init(folders: @escaping @Sendable () -> [URL]) throws(PackError) {
            let descriptor = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
            guard descriptor >= 0 else { throw Self.failure("inotify_init1") }
            var ends: [CInt] = [0, 0]
            guard unsafe pipe(&ends) == 0 else {
                Glibc.close(descriptor)
                throw Self.failure("pipe")
            }
            inotify = descriptor
            stop = (ends[0], ends[1])
            try Self.watch(folders(), with: descriptor)
            let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            self.changes = changes
            let stopEnd = ends[0]
            let thread = Thread {
                Self.follow(inotify: descriptor, stop: stopEnd) {
                    try? Self.watch(folders(), with: descriptor)
                    continuation.yield()
                }
                continuation.finish()
                Glibc.close(descriptor)
                Glibc.close(stopEnd)
            }
            thread.name = "folder-watcher"
            thread.start()
        }

        deinit {
            close()
        }

        /// Ends ``changes``. May be called more than once.
        public func close() {
            var byte: UInt8 = 1
            _ = unsafe write(stop.write, &byte, 1)
        }

        private static let events: UInt32 =
            UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
            | UInt32(IN_CREATE) | UInt32(IN_DELETE_SELF)

        private static func watch(_ folders: [URL], with inotify: CInt) throws(PackError) {
            for folder in folders {
                guard unsafe inotify_add_watch(inotify, folder.path, events) >= 0 else {
                    if errno == ENOENT { continue }
                    throw failure("watching \(folder.path)")
                }
            }
        }

        /// Blocks until told to stop, reporting each burst once it is over.
        private static func follow(inotify: CInt, stop: CInt, report: () -> Void) {
            var pending = false
            let quiet = CInt(Self.quiet / .milliseconds(1))
            while true {
                var descriptors = [
                    pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                ]
                let ready = unsafe poll(&descriptors, 2, pending ? quiet : -1)
                if ready < 0, errno != EINTR { return }
                if descriptors[1].revents != 0 { return }
                if ready == 0, pending {
                    pending = false
                    report()
                } else if descriptors[0].revents != 0 {
                    pending = drain(inotify) || pending
                }
            }
        }

        /// Reads all waiting events; whether any of them changed something.
        ///
        /// Which file it was does not matter, since packs are read whole. A file's creation alone is no change: the
        /// closing after its writing is.
        private static func drain(_ inotify: CInt) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 16 * 1024)
            var changed = false
            while true {
                let count = unsafe read(inotify, &buffer, buffer.count)
                guard count > 0 else { return changed }
                var position = 0
                while position + 16 <= count {
                    let mask = word(buffer, at: position + 4)
                    changed = changed || mask != UInt32(IN_CREATE)
                    position += 16 + Int(word(buffer, at: position + 12))
                }
            }
        }

        private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
            (0..<4).reversed().reduce(0) { $0 << 8 | UInt32(bytes[offset + $1]) }
        }

        private static func failure(_ what: String) -> PackError {
            PackError(.unreadable, "\(what) failed: \(unsafe String(cString: strerror(errno)))")
        }
    }
#endif
