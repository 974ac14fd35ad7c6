import Synchronization

/// Queues on which nothing waited when they were last looked at, so that most events need not look.
///
/// Only a hint: the write of a match checks that no wait was registered after the one named here.
final class QuietQueues: Sendable {
    /// Beyond this it forgets everything, which costs one look for each queue.
    private static let limit = 50_000

    private let latest = Mutex<[String: Int64]>([:])

    /// The number of the latest registration of any wait when nothing waited on `queue`; nil if one may wait now.
    func latestRegistration(ifQuiet queue: String) -> Int64? { latest.withLock { $0[queue] } }

    func isQuiet(_ queue: String, asOf registration: Int64) {
        latest.withLock { latest in
            if latest.count >= Self.limit { latest = [:] }
            latest[queue] = registration
        }
    }

    func mayHaveWaits(_ queue: String) { latest.withLock { $0[queue] = nil } }
}
