public import Foundation

/// Which events to list, newest first. Nil or empty conditions hold for all.
public struct EventFilter: Sendable, Hashable {
    public var states: Set<EventState> = []
    public var queue: String?
    public var kind: String?
    /// Only events with a lower sequence: the next page.
    public var before: Int64?
    public var limit = 100

    public init() {}
}

/// Which invocations to list, newest first. Nil or empty conditions hold for all.
public struct InvocationFilter: Sendable, Hashable {
    public var states: Set<InvocationState> = []
    public var queue: String?
    public var rule: String?
    public var event: Int64?
    /// Only invocations with a lower id: the next page.
    public var before: String?
    public var limit = 100

    public init() {}
}

/// A log line with its place in the journal.
public struct RecordedLog: Sendable, Hashable {
    /// The command that followed the line.
    public var position: Int
    public var line: LogLine
    public var at: Date

    public init(position: Int, line: LogLine, at: Date) {
        self.position = position
        self.line = line
        self.at = at
    }
}

/// All that is known of one event: what it started, what it didn't and why.
public struct EventTrace: Sendable, Hashable {
    public var event: Event
    public var refusals: [Refusal]
    /// In the order in which they started.
    public var invocations: [InvocationTrace]

    public init(event: Event, refusals: [Refusal], invocations: [InvocationTrace]) {
        self.event = event
        self.refusals = refusals
        self.invocations = invocations
    }
}

/// An invocation with its commands and log lines.
public struct InvocationTrace: Sendable, Hashable {
    public var invocation: Invocation
    public var entries: [JournalEntry]
    public var logs: [RecordedLog]

    public init(invocation: Invocation, entries: [JournalEntry], logs: [RecordedLog]) {
        self.invocation = invocation
        self.entries = entries
        self.logs = logs
    }
}
