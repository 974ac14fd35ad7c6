import Foundation
import Synchronization

/// Lets one line per reason and minute into the log, so that whoever sends rubbish can't fill the disk.
final class RefusalLog: Sendable {
    /// Seconds.
    private static let interval = 60.0
    /// Characters of a text from outside that are printed.
    private static let excerptLimit = 64

    private struct Entry {
        var loggedAt: Date
        var unlogged = 0
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// Counts a refusal.
    ///
    /// - Returns: How many refusals a line written now stands for; nil if none is to be written.
    func count(_ reason: String, at time: Date) -> Int? {
        entries.withLock { entries in
            // A clock that was set back must not silence the log.
            if var entry = entries[reason], abs(time.timeIntervalSince(entry.loggedAt)) < Self.interval {
                entry.unlogged += 1
                entries[reason] = entry
                return nil
            }
            let count = (entries[reason]?.unlogged ?? 0) + 1
            entries[reason] = Entry(loggedAt: time)
            return count
        }
    }

    /// The beginning of a text from outside, in printable ASCII: anything else is written out as `\\u{…}`.
    static func excerpt(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(excerptLimit + 1) {
            guard result.count < excerptLimit else { return result + "..." }
            result +=
                (0x20...0x7E).contains(scalar.value)
                ? String(scalar) : "\\u{" + String(scalar.value, radix: 16) + "}"
        }
        return result
    }
}
