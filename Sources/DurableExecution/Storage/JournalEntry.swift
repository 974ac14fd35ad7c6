public import Foundation

/// One command of an invocation and what became of it.
public struct JournalEntry: Sendable, Hashable {
    /// The invocation's id.
    public var invocation: String
    /// The place in the journal, from 0, without gaps.
    public var position: Int
    public var name: String
    /// JSON.
    public var input: Data
    /// ``Effect/name``.
    public var effect: String
    public var location: String?
    public var state: EntryState
    /// JSON; set if it succeeded.
    public var outcome: Data?
    /// The last failure: final if the entry failed, else what a retry follows or why the outcome is unknown.
    public var failure: CommandFailure?
    /// What the performer noted.
    public var checkpoint: Data?
    /// How often it was tried.
    public var attempts: Int
    /// When it was first tried.
    public var intendedAt: Date
    /// Its place among all commands, in the order in which programs first asked for them, whatever the clock said; 0 for
    /// one that was written before there were places.
    public var asked: Int64
    public var endedAt: Date?
    /// Since when it is held, if it is.
    public var heldAt: Date?
    /// How long it was held before, all times together.
    public var heldFor: Duration
    /// The queue in whose inbox the invocation's place is moved by this command.
    public var inboxQueue: String?
    /// The place: events up to this sequence end no later wait. Set by the store as it first writes the entry.
    public var inboxPlace: Int64?

    public init(
        invocation: String, position: Int, name: String, input: Data, effect: String, location: String? = nil,
        state: EntryState = .intended, outcome: Data? = nil, failure: CommandFailure? = nil, checkpoint: Data? = nil,
        attempts: Int = 0, intendedAt: Date, asked: Int64 = 0, endedAt: Date? = nil, heldAt: Date? = nil,
        heldFor: Duration = .zero,
        inboxQueue: String? = nil, inboxPlace: Int64? = nil
    ) {
        self.invocation = invocation
        self.position = position
        self.name = name
        self.input = input
        self.effect = effect
        self.location = location
        self.state = state
        self.outcome = outcome
        self.failure = failure
        self.checkpoint = checkpoint
        self.attempts = attempts
        self.intendedAt = intendedAt
        self.asked = asked
        self.endedAt = endedAt
        self.heldAt = heldAt
        self.heldFor = heldFor
        self.inboxQueue = inboxQueue
        self.inboxPlace = inboxPlace
    }
}

extension JournalEntry {
    /// Whether writing it moves the invocation to the end of the inbox, unless it was moved for this command before.
    var takesPlace: Bool {
        guard inboxQueue != nil, inboxPlace == nil, effect == Effect.once.name else { return false }
        return state == .intended || state == .held || state == .retrying
    }
}

public enum EntryState: String, Sendable, Hashable, CaseIterable {
    /// Being performed, or it was when the process ended: then the outcome of a `once` command is unknown.
    case intended
    /// Failed without effect; it is to be tried again.
    case retrying
    /// Not tried yet, or to be tried again, once it is released.
    case held
    /// A wait that has not ended.
    case waiting
    case succeeded
    /// Failed for good; the program was told.
    case failed
    /// It may have taken place. Not tried again before it was found, or somebody decides.
    case unknown
    /// It may have taken place, and was not found at the first look.
    case missing
}

extension JournalEntry {
    /// Whether nobody has decided yet if it took place.
    var isUndecided: Bool { state == .unknown || state == .missing }

    /// Whether it is a `once` command that took place or may have.
    var mayHaveTakenPlace: Bool {
        guard effect == Effect.once.name else { return false }
        switch state {
        case .succeeded, .intended, .unknown, .missing: return true
        case .failed, .retrying, .held, .waiting: return failure?.outcomeUnknown == true
        }
    }
}
