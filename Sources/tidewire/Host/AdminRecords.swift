import Conversations
import DurableExecution
import Foundation
import Rules

/// What the engine recorded, as the admin socket and `--json` give it.

/// An event of the inbox.
struct EventRecord: Codable, Sendable {
    var sequence: Int64
    var identity: String
    var conversation: String
    var kind: String
    var source: String
    var state: String
    var note: String?
    var occurredAt: Timestamp
    var acceptedAt: Timestamp
    /// What rules saw of it.
    var content: JSONValue

    init(_ event: Event) {
        sequence = event.sequence
        identity = event.identity
        conversation = event.queue
        kind = event.kind
        source = event.source
        state = event.state.rawValue
        note = event.note
        occurredAt = Timestamp(event.occurredAt)
        acceptedAt = Timestamp(event.acceptedAt)
        content = (try? JSONValue(parsing: event.payload)) ?? .null
    }
}

/// A rule's run.
struct RunRecord: Codable, Sendable {
    var id: String
    var event: Int64
    var conversation: String
    var rule: String
    var version: String
    var state: String
    /// Why it is parked, retrying, failed or cancelled.
    var reason: String?
    var code: String?
    var traceback: String?
    var attempt: Int
    /// Whether it began in a host that runs dry, so that it performs nothing.
    var isDryRun: Bool
    var createdAt: Timestamp
    var updatedAt: Timestamp
    var nextAttemptAt: Timestamp?

    /// - Parameter isDryHost: Whether the host runs dry; nil where none runs.
    init(_ invocation: Invocation, isDryHost: Bool?) {
        isDryRun = invocation.isDry
        id = invocation.id
        event = invocation.event
        conversation = invocation.queue
        rule = invocation.rule
        version = invocation.version
        state = invocation.state.rawValue
        reason =
            invocation.failure?.message ?? RunKind.reason(of: invocation, isDryHost: isDryHost) ?? invocation.reason
        code = invocation.failure?.code
        traceback = invocation.failure?.traceback
        attempt = invocation.attempt
        createdAt = Timestamp(invocation.createdAt)
        updatedAt = Timestamp(invocation.updatedAt)
        nextAttemptAt = invocation.nextAttemptAt.map(Timestamp.init)
    }
}

extension RunRecord {
    /// Whether it runs, or is about to.
    var isAtWork: Bool {
        switch InvocationState(rawValue: state) {
        case .running: true
        case .retrying: nextAttemptAt.map { $0 <= Timestamp(Date()) } ?? true
        default: false
        }
    }
}

/// A command of a run, and what became of it.
struct CommandRecord: Codable, Sendable {
    var position: Int
    var name: String
    var location: String?
    var effect: String
    var state: String
    var input: JSONValue
    var outcome: JSONValue?
    var failure: String?
    /// Whether it was more than listed: false in a dry run and in a rehearsal.
    var wasPerformed: Bool
    var attempts: Int
    var startedAt: Timestamp
    var endedAt: Timestamp?

    init(_ entry: JournalEntry) {
        position = entry.position
        name = entry.name
        location = entry.location
        effect = entry.effect
        state = entry.state.rawValue
        input = (try? JSONValue(parsing: entry.input)) ?? .null
        outcome = entry.outcome.flatMap { try? JSONValue(parsing: $0) }
        failure = entry.failure.map { "\($0.message) (\($0.code))" }
        wasPerformed = !(entry.outcome.map(DryRun.marks) ?? false)
        attempts = entry.attempts
        startedAt = Timestamp(entry.intendedAt)
        endedAt = entry.endedAt.map(Timestamp.init)
    }
}

/// A line that a rule logged.
struct LogRecord: Codable, Sendable {
    /// The command that followed it.
    var position: Int
    var level: String
    var message: String
    var fields: JSONValue?

    init(_ log: RecordedLog) {
        position = log.position
        level = log.line.level
        message = log.line.message
        fields = log.line.fields.flatMap { try? JSONValue(parsing: $0) }
    }
}

/// All that is known of an event: which rules it started, why not the others, and what they did.
struct TraceRecord: Codable, Sendable {
    struct Run: Codable, Sendable {
        var run: RunRecord
        var commands: [CommandRecord]
        var logs: [LogRecord]
    }

    struct Refused: Codable, Sendable {
        var rule: String
        var reason: String
    }

    var event: EventRecord
    var refused: [Refused]
    var runs: [Run]
}

extension TraceRecord {
    /// Whether nothing more happens of it, unless a person has it go on.
    var isOver: Bool {
        isSettled && event.state != EventState.held.rawValue
            && runs.allSatisfy { InvocationState(rawValue: $0.run.state)?.isEnded ?? true }
    }

    /// Whether nothing more happens by itself at once.
    var isSettled: Bool {
        event.state != EventState.pending.rawValue && event.state != EventState.running.rawValue
            && runs.allSatisfy { !$0.run.isAtWork }
    }
}

/// Something that somebody, or a fuse, stopped for a while.
struct PauseRecord: Codable, Sendable {
    /// `rule:acme/photos:heart`, `pack:acme/photos`, `number:+15550100`.
    var subject: String
    var reason: String
    var since: Timestamp

    init(_ pause: Pause) {
        subject = pause.subject
        reason = pause.reason
        since = Timestamp(pause.at)
    }
}

/// An upstream that does not answer.
struct BreakerRecord: Codable, Sendable {
    var upstream: String
    var state: String
    var reason: String?
    var openedAt: Timestamp?
    var nextProbeAt: Timestamp?

    init(_ breaker: Breaker) {
        upstream = breaker.upstream
        state = breaker.state.rawValue
        reason = breaker.reason
        openedAt = breaker.openedAt.map(Timestamp.init)
        nextProbeAt = breaker.nextProbeAt.map(Timestamp.init)
    }
}
