/// What an invocation has kept so far, in its journal and its log; the same in a replay.
struct RunUsage: Sendable, Hashable {
    var journalBytes = 0
    private var logLines = 0
    private var logBytes = 0

    /// Counts a command and what came of it.
    mutating func count(_ command: Command, _ input: ProgramInput?) {
        journalBytes += command.input.count
        switch input {
        case .outcome(let data): journalBytes += data.count
        case .failure(let failure): journalBytes += failure.message.utf8.count + (failure.details?.count ?? 0)
        case .begin, nil: break
        }
    }

    /// Counts log lines.
    ///
    /// - Returns: Those that fit; the first that doesn't is replaced by a line that says so, the others are dropped.
    mutating func admit(_ lines: [LogLine], _ quotas: RunQuotas) -> [LogLine] {
        var admitted: [LogLine] = []
        for line in lines where logLines <= quotas.logLines && logBytes <= quotas.logBytes {
            logLines += 1
            logBytes += line.byteCount
            if logLines > quotas.logLines {
                admitted.append(.dropping("\(quotas.logLines) lines (limits.log_lines)"))
            } else if logBytes > quotas.logBytes {
                admitted.append(.dropping("\(quotas.logBytes) bytes (limits.log_bytes)"))
            } else {
                admitted.append(line)
            }
        }
        return admitted
    }
}

/// How much one invocation may keep.
public struct RunQuotas: Sendable, Hashable {
    /// Bytes of the commands and outcomes of its journal.
    public var journalBytes = 32 << 20
    /// Lines of its log, and bytes; further ones are dropped.
    public var logLines = 10_000
    public var logBytes = 4 << 20

    public init() {}
}

extension LogLine {
    /// What it takes to keep, as limits count it.
    var byteCount: Int { message.utf8.count + (fields?.count ?? 0) + (location?.utf8.count ?? 0) }

    fileprivate static func dropping(_ limit: String) -> LogLine {
        LogLine(level: "warning", message: "the log of this run is over \(limit); further lines are dropped")
    }
}
