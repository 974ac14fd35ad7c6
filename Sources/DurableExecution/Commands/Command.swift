public import Foundation

/// Something that a program wants done.
public struct Command: Sendable, Hashable {
    public var name: String
    /// Canonical JSON (sorted keys): a replay compares it byte by byte.
    public var input: Data
    public var effect: Effect
    /// File and line that asked for it.
    public var location: String?
    /// The queue in which answers to this command arrive, for commands that people answer.
    ///
    /// Events of that queue that are in the inbox when the command is first written down, as intended or as held, came before
    /// it, so they end no later wait of the invocation.
    public var answersIn: String?
    /// The queue in which an answer makes the command lapse, for a ``Effect/once`` command that reminds somebody.
    ///
    /// If ``EventHandler/offer(_:to:)`` takes an event of that queue for an answer that came since the invocation's place in
    /// it, the command is not performed, and its outcome is what the handler returned. The place stays, so that the next
    /// wait finds the answer. An answer also ends the command's hold.
    public var lapsesIn: String?
    /// Who performs it, for commands that somebody else performs: if they stop answering, such commands wait.
    public var upstream: String?
    /// The outcome if the upstream does not answer, JSON, for what is worth nothing later; nil: the command waits.
    public var outcomeIfDown: Data?

    public init(
        name: String, input: Data, effect: Effect, location: String? = nil, answersIn: String? = nil,
        lapsesIn: String? = nil, upstream: String? = nil, outcomeIfDown: Data? = nil
    ) {
        self.name = name
        self.input = input
        self.effect = effect
        self.location = location
        self.answersIn = answersIn
        self.lapsesIn = lapsesIn
        self.upstream = upstream
        self.outcomeIfDown = outcomeIfDown
    }
}

/// What repeating a command would mean.
public enum Effect: Sendable, Hashable {
    /// Changes nothing. Its outcome is committed together with the next effect.
    case read
    /// Leaves the same state when repeated. Its outcome is committed together with the next effect.
    case repeatable
    /// Must not be repeated on a guess: its intent is committed before it is performed, its outcome after.
    case once
    /// A change of the rule's own store, performed by the engine in the journal entry's transaction: exactly once.
    case store(StoreOperation)
    /// Waits for an event or a time, out of memory. The outcome is what ``EventHandler/offer(_:to:)`` made of the event
    /// that ended the wait, or `null` if its time ended.
    case wait(Wait)

    /// The word for it in the journal.
    public var name: String {
        switch self {
        case .read: "read"
        case .repeatable: "repeatable"
        case .once: "once"
        case .store: "store"
        case .wait: "wait"
        }
    }
}

/// An operation on the durable key-value store of rules.
///
/// Values are canonical JSON. Outcomes, also JSON: `get` the value or `null`; `set` `null`; `increment` the new
/// number; `compareAndSet` `true` or `false`.
public enum StoreOperation: Sendable, Hashable {
    case get(scope: String, key: String)
    /// `value` nil removes the key. After `ttl`, if given, the key reads as absent.
    case set(scope: String, key: String, value: Data?, ttl: Duration? = nil)
    /// Absent counts as 0. The key's time to live stays. Fails with code `not_a_number`, or `out_of_range`.
    case increment(scope: String, key: String, by: StoreNumber)
    /// Sets `value` (nil removes) if the key holds `expected` (nil: is absent). The key's time to live ends.
    case compareAndSet(scope: String, key: String, expected: Data?, value: Data?)
}

public enum StoreNumber: Sendable, Hashable {
    case integer(Int64)
    case number(Double)
}

/// Where a command stands when it is performed.
public struct CommandContext: Sendable {
    public var invocation: Invocation
    public var event: Event
    /// The command's place in the journal, from 0.
    public var position: Int
    /// 1 for the first try.
    public var attempt: Int
    /// What ``save`` kept last for this command, on this attempt or on one before.
    public var checkpoint: Data?
    /// When the program first asked for the command.
    public var askedAt: Date
    /// ``JournalEntry/asked``.
    public var asked: Int64
    /// Whether the program asked for it in a run before this one: it was tried already, or held.
    public var isLate: Bool
    /// Whether the event is only rehearsed, so that nothing may take place; see ``Engine/replay(_:performing:)``.
    public var isRehearsal: Bool
    /// How long the command was held before, all times together.
    public var heldFor: Duration
    /// Whether the invocation does what it would have done earlier: a command of it was held, or it began more than a minute
    /// after its event was accepted.
    public var isCatchingUp: Bool
    /// Keeps a note of the performer durably, e.g. base and target of an increment, before it acts on it, together with
    /// changes of the store.
    ///
    /// - Throws: ``CommandFailure``, retryable, if the note could not be stored; then nothing was.
    public var save: @Sendable (Data, [StoreOperation]) async throws -> Void

    public init(
        invocation: Invocation, event: Event, position: Int, attempt: Int, checkpoint: Data?, askedAt: Date? = nil,
        asked: Int64 = 0, isLate: Bool = false, isRehearsal: Bool = false, heldFor: Duration = .zero,
        isCatchingUp: Bool = false,
        save: @escaping @Sendable (Data, [StoreOperation]) async throws -> Void
    ) {
        self.invocation = invocation
        self.event = event
        self.position = position
        self.attempt = attempt
        self.checkpoint = checkpoint
        self.askedAt = askedAt ?? invocation.updatedAt
        self.asked = asked
        self.isLate = isLate
        self.isRehearsal = isRehearsal
        self.heldFor = heldFor
        self.isCatchingUp = isCatchingUp
        self.save = save
    }
}

/// Why a command failed, and what may be done about it.
public struct CommandFailure: Error, Sendable, Hashable {
    /// For programs to tell failures apart: `not_found`, `unavailable`, …
    public var code: String
    public var message: String
    /// Whether the same command may succeed later.
    public var retryable: Bool
    /// The shortest delay before the next try, if the other side asked for one.
    public var retryAfter: Duration?
    /// Whether the effect may have taken place. A ``Effect/once`` command is then never tried again by itself.
    public var outcomeUnknown: Bool
    /// Further facts, JSON.
    public var details: Data?
    /// Set if the command is not to be performed now, but later: no try and no time are counted for that.
    public var hold: Hold?
    /// Whether nobody answered at the command's upstream: connection refused, no answer in time, a server's own failure.
    public var upstreamDown: Bool
    /// Set if ``EventHandler/perform(_:in:)`` refused the command before it did anything: nothing is known of its upstream.
    public var wasNotTried: Bool

    /// The code of the failure that a program gets for a ``Effect/once`` command that may have taken place.
    public static let unknownCode = "outcome_unknown"

    public init(
        code: String, message: String, retryable: Bool = false, retryAfter: Duration? = nil,
        outcomeUnknown: Bool = false, details: Data? = nil, hold: Hold? = nil, upstreamDown: Bool = false,
        wasNotTried: Bool = false
    ) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retryAfter = retryAfter
        self.outcomeUnknown = outcomeUnknown
        self.details = details
        self.hold = hold
        self.upstreamDown = upstreamDown
        self.wasNotTried = wasNotTried
    }

    /// Not now: the command is performed later, as if it had been asked for then.
    public static func held(_ hold: Hold) -> CommandFailure {
        CommandFailure(code: "held", message: hold.reason, retryable: true, hold: hold)
    }
}

/// Why a command is not performed now, and what lets it go on.
public struct Hold: Sendable, Hashable {
    /// What ``Engine/release(_:)`` names, shared by all that wait for the same thing: `rule:acme/photos:heart`.
    public var key: String
    /// What people read.
    public var reason: String
    /// When it goes on by itself; nil: only once it is released.
    public var until: Date?

    public init(key: String, reason: String, until: Date? = nil) {
        self.key = key
        self.reason = reason
        self.until = until
    }
}
