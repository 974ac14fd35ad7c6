public import Foundation

/// Something that happened, as a source brings it to the engine.
public struct NewEvent: Sendable, Hashable {
    /// What tells this event from others, the primary one first; never empty.
    ///
    /// If any of them is known already, the event is a duplicate; the others then become identities of the known event.
    public var identities: [String]
    /// The ordering key: events of one queue run one after the other.
    public var queue: String
    public var kind: String
    /// Who brought it: `webhook`, `poll`, `schedule`, …
    public var source: String
    /// JSON.
    public var payload: Data
    public var occurredAt: Date
    /// The invocation whose effect led to this event, if that is known.
    public var cause: String?
    /// By what the queue is to be found later: whom it is about, say. Kept as hashes that can't be read.
    public var keys: [String]
    /// What is kept together with the event, also if the event turns out to be a duplicate.
    public var facts: [Fact]

    public init(
        identities: [String], queue: String, kind: String, source: String, payload: Data, occurredAt: Date,
        cause: String? = nil, keys: [String] = [], facts: [Fact] = []
    ) {
        self.identities = identities
        self.queue = queue
        self.kind = kind
        self.source = source
        self.payload = payload
        self.occurredAt = occurredAt
        self.cause = cause
        self.keys = keys
        self.facts = facts
    }
}

/// An event as the inbox keeps it.
public struct Event: Sendable, Hashable {
    /// The place in the inbox, from 1, in the order of acceptance.
    public var sequence: Int64
    /// The primary one; empty once the event is forgotten.
    public var identity: String
    public var queue: String
    public var kind: String
    public var source: String
    /// JSON, as ``EventHandler/prepare(_:claims:)`` left it.
    public var payload: Data
    public var occurredAt: Date
    public var acceptedAt: Date
    public var cause: String?
    public var state: EventState
    /// Why the event is in a state that wants a reason (duplicate, expired, quarantined, failed, held).
    public var note: String?
    /// What it is to be matched for again, if anything.
    public var awaits: Awaiting?
    /// When a person last gave it another turn, from which its age then counts.
    public var retriedAt: Date?

    public init(
        sequence: Int64, identity: String, queue: String, kind: String, source: String, payload: Data,
        occurredAt: Date, acceptedAt: Date, cause: String? = nil, state: EventState = .pending, note: String? = nil,
        awaits: Awaiting? = nil, retriedAt: Date? = nil
    ) {
        self.sequence = sequence
        self.identity = identity
        self.queue = queue
        self.kind = kind
        self.source = source
        self.payload = payload
        self.occurredAt = occurredAt
        self.acceptedAt = acceptedAt
        self.cause = cause
        self.state = state
        self.note = note
        self.awaits = awaits
        self.retriedAt = retriedAt
    }
}

/// The rest of an event's match: what the handler could not ask when the event had its turn.
public struct Awaiting: Sendable, Hashable, Codable {
    /// What was missing, in the handler's words; see ``Matching/awaits``. Never empty.
    public var keys: [String]
    /// Rules that had the event otherwise, so that it doesn't start them.
    public var except: [String]

    public init(keys: [String], except: [String] = []) {
        self.keys = keys
        self.except = except
    }
}

public enum EventState: String, Sendable, Hashable, CaseIterable {
    /// Waits for its turn.
    case pending
    /// Matched; its invocations run.
    case running
    /// Every invocation has settled: it ended, waits, retries or is parked.
    case done
    /// Found to be another event once it was looked at closely.
    case duplicate
    /// Too old when its turn came; no rule ran.
    case expired
    /// Held back because it crashed the process before.
    case quarantined
    /// Could not be prepared or matched; the note says why.
    case failed
    /// Matched for all but what ``Event/awaits`` names; goes on with that once it is there.
    case held
    /// Its content was erased; see ``Engine/forget(queues:scopes:)``.
    case forgotten

    /// Whether the event has still to be worked on.
    public var isOpen: Bool { self == .pending || self == .running }
}

/// What became of a ``NewEvent``.
public enum Acceptance: Sendable, Hashable {
    /// Kept, under this sequence.
    case accepted(Int64)
    case duplicate(of: Int64)

    /// The event that stands for the one given.
    public var sequence: Int64 {
        switch self {
        case .accepted(let sequence), .duplicate(of: let sequence): sequence
        }
    }
}

extension Event {
    init(_ event: NewEvent, sequence: Int64, acceptedAt time: Date) {
        self.init(
            sequence: sequence, identity: event.identities[0], queue: event.queue, kind: event.kind,
            source: event.source, payload: event.payload, occurredAt: event.occurredAt.storable, acceptedAt: time,
            cause: event.cause)
    }
}
