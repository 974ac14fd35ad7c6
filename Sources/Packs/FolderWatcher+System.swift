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

        /// How long changes that never stop coming may put off telling them.
        public static let patience: Duration = .seconds(1)

        /// Ends the thread. Both its ends stay open until thread and watcher are done with it, so that telling it once
        /// more than needed writes into no broken pipe.
        private let stop: StopPipe

        /// Yields after each burst of changes; ends with ``close()``.
        public let changes: AsyncStream<Void>

        /// - Parameter folders: Asked anew after each change, so that folders made later are watched too.
        /// - Throws: ``PackError`` `.unreadable` if the system grants no watch.
        public init(folders: @escaping @Sendable () -> [URL]) throws(PackError) {
            let inotify = Descriptor(inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK)))
            guard inotify.number >= 0 else { throw Self.failure("inotify_init1") }
            guard let stop = StopPipe() else { throw Self.failure("pipe") }
            try Self.watch(folders(), with: inotify.number)
            let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            self.stop = stop
            self.changes = changes
            let thread = Thread {
                Self.follow(inotify: inotify.number, stop: stop.read.number) {
                    try? Self.watch(folders(), with: inotify.number)
                    continuation.yield()
                }
                continuation.finish()
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
            _ = unsafe write(stop.write.number, &byte, 1)
        }

        /// A file descriptor, closed with the last reference.
        private final class Descriptor: Sendable {
            let number: CInt

            init(_ number: CInt) {
                self.number = number
            }

            deinit {
                if number >= 0 { Glibc.close(number) }
            }
        }

        private struct StopPipe: Sendable {
            let read: Descriptor
            let write: Descriptor

            init?() {
                var ends: [CInt] = [-1, -1]
                guard unsafe pipe(&ends) == 0 else { return nil }
                for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
                read = Descriptor(ends[0])
                write = Descriptor(ends[1])
            }
        }

        private static let events: UInt32 =
            UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
            | UInt32(IN_CREATE) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)

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
            var pendingSince: ContinuousClock.Instant?
            let quiet = CInt(Self.quiet / .milliseconds(1))
            while true {
                var descriptors = [
                    pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                ]
                let ready = unsafe poll(&descriptors, 2, pendingSince == nil ? -1 : quiet)
                if ready < 0, errno != EINTR { return }
                if descriptors[1].revents != 0 { return }
                if descriptors[0].revents != 0, drain(inotify) { pendingSince = pendingSince ?? .now }
                guard let since = pendingSince, ready == 0 || since.duration(to: .now) >= patience else { continue }
                pendingSince = nil
                report()
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
