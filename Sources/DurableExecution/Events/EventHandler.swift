public import Foundation

/// What the engine asks of the room above it: which rules an event starts, what they do, and how commands are performed.
///
/// The engine calls from many tasks at once, but for one event it makes one call at a time, and calls
/// `prepare` and `match` in the order of the events of a queue. After a crash a call may be repeated;
/// a match that was recorded is not asked for again.
public protocol EventHandler: Sendable {
    /// Told of facts that were just kept, before ``Engine/accept(_:)`` or ``Engine/keep(_:)`` returns.
    ///
    /// Not told of facts that another process kept before. The default does nothing.
    func kept(_ facts: [Fact]) async

    /// What an event says that counts though it expired: kept together with its end.
    ///
    /// Makes up for events that came without their facts. The default is none.
    func facts(in event: Event) async -> [Fact]

    /// Looks at an event that reached the head of its queue: may look things up, claim further identities, replace the payload.
    ///
    /// - Throws: ``EngineFailure``: if it is retryable the event is tried again after a growing delay, while its queue
    ///   waits; otherwise, and for any other error, the event is recorded as failed.
    func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation

    /// Names who has to be asked to prepare an event, if anybody: while nobody answers there, the event waits unasked.
    ///
    /// The default names nobody; then only what ``prepare(_:claims:)`` throws tells.
    func upstream(preparing event: Event) -> String?

    /// Names the rules that the event starts, in order, and why others don't start. Both are recorded.
    ///
    /// - Throws: As ``prepare(_:claims:)``.
    func match(_ event: Event) async throws -> Matching

    /// Makes a program at its beginning, for the first run and for every replay.
    ///
    /// - Throws: ``EngineFailure``. If it is retryable, the invocation is tried again later; otherwise, and for any other
    ///   error, it is failed (a dead letter), which a person can retry once the rule is back.
    func program(for invocation: Invocation, event: Event) async throws -> any Program

    /// As ``program(for:event:)``, for an event that is only rehearsed: what becomes of it counts nowhere. The default is the
    /// same program.
    func rehearsalProgram(for invocation: Invocation, event: Event) async throws -> any Program

    /// Looks whether an event is what an invocation waits for, before rules are asked for it.
    ///
    /// Waits of the event's queue are asked for newest first. All that accept it get it, up to the first that is
    /// exclusive; a rule that gets it in a wait is not started by it. A command that lapses is asked for as a wait is, also
    /// for events whose turn has not come.
    ///
    /// - Returns: The wait's outcome, JSON; nil if the event is not for this wait. The default is nil.
    /// - Throws: ``EngineFailure``: if it is retryable, event or wait are tried again later. Any other error counts as nil.
    func offer(_ event: Event, to waiting: Waiting) async throws -> Data?

    /// Fetches what happened in a queue while the process was down, because a wait fell due in that time.
    ///
    /// What happened is to be accepted by the engine before this returns; the default does nothing. Called once for each
    /// such queue after a start.
    /// - Throws: ``EngineFailure``: if it is retryable, the wait is decided later; any other error counts as done.
    func catchUp(_ queue: String) async throws

    /// Names who has to be asked to catch up with a queue, if anybody. The default names nobody.
    func upstream(catchingUp queue: String) -> String?

    /// Told that the engine ended a run that used up what one run may: too many commands, or too large a journal. The
    /// default does nothing.
    func stopped(_ invocation: Invocation, of event: Event, because failure: ProgramFailure) async

    /// Whether ``lookFor(_:in:)`` can find out anything about such a command; the default is false.
    func canLookFor(_ command: Command) -> Bool

    /// Looks whether a `once` command whose outcome is unknown took place.
    ///
    /// Only finding it is an answer: that it is not there proves nothing. The default is ``Sighting/unknowable``. Must end
    /// in bounded time.
    /// - Throws: ``CommandFailure``: if it is retryable, or nobody answered, the look is repeated until it succeeds, and
    ///   the invocation is held meanwhile; otherwise, and for any other error, it counts as ``Sighting/unknowable``.
    func lookFor(_ command: Command, in context: CommandContext) async throws -> Sighting

    /// Judges a command before its intent is written, at every try; the default lets it through.
    ///
    /// What is refused or held here was certainly not tried, also if the process ends at that moment.
    /// - Throws: ``CommandFailure``, as ``perform(_:in:)``.
    func permit(_ command: Command, in context: CommandContext) async throws

    /// Performs a command, once; the engine retries.
    ///
    /// Must end in bounded time. ``Effect/store(_:)`` and waits never come here.
    ///
    /// - Returns: The outcome, JSON.
    /// - Throws: ``CommandFailure``. Any other error counts as not retryable, and as an unknown outcome if the command
    ///   is ``Effect/once``.
    func perform(_ command: Command, in context: CommandContext) async throws -> Data

    /// Names the identities of events that a `once` command which took place is going to cause.
    ///
    /// An event with such an identity gets the invocation as its ``Event/cause``, whichever of outcome and event is
    /// kept first, as long as the event has not had its turn. The default is none.
    func produces(_ command: Command, outcome: Data) -> [String]

    /// Names what is paused when a rule ran at the end of too many processes; the default is nothing.
    func pauseSubject(of rule: String) -> String?

    /// Makes up the outcome of a command that would change something, while an event is only rehearsed.
    ///
    /// The default is `null`. Reads are performed instead (``CommandContext/isRehearsal`` tells).
    /// - Throws: ``CommandFailure``, for what would be refused.
    func rehearse(_ command: Command, in context: CommandContext) async throws -> Data
}

extension EventHandler {
    public func kept(_ facts: [Fact]) async {}
    public func facts(in event: Event) async -> [Fact] { [] }
    public func offer(_ event: Event, to waiting: Waiting) async throws -> Data? { nil }
    public func catchUp(_ queue: String) async throws {}
    public func upstream(preparing event: Event) -> String? { nil }
    public func upstream(catchingUp queue: String) -> String? { nil }
    public func stopped(_ invocation: Invocation, of event: Event, because failure: ProgramFailure) async {}
    public func canLookFor(_ command: Command) -> Bool { false }
    public func lookFor(_ command: Command, in context: CommandContext) async throws -> Sighting { .unknowable }
    public func rehearsalProgram(for invocation: Invocation, event: Event) async throws -> any Program {
        try await program(for: invocation, event: event)
    }
    public func permit(_ command: Command, in context: CommandContext) async throws {}
    public func produces(_ command: Command, outcome: Data) -> [String] { [] }
    public func pauseSubject(of rule: String) -> String? { nil }
    public func rehearse(_ command: Command, in context: CommandContext) async throws -> Data { Data("null".utf8) }
}

/// Durable claims on identities, on behalf of the event being prepared.
public protocol IdentityClaims: Sendable {
    /// Claims `identity` for the event. Claiming again what the event holds already succeeds.
    ///
    /// - Throws: ``EngineFailure``, retryable, if the claim could not be stored.
    func claim(_ identity: String) async throws -> ClaimResult
}

public enum ClaimResult: Sendable, Hashable {
    case claimed
    /// The sequence of the event that has it.
    case heldBy(Int64)
}

public enum Preparation: Sendable, Hashable {
    /// The payload with which rules are matched and run; recorded.
    case ready(payload: Data)
    /// The event is another one's double; no rule runs.
    case duplicate(of: Int64?, reason: String)
}

/// Which rules an event starts.
public struct Matching: Sendable, Hashable {
    /// In the order in which they start.
    public var starts: [Start]
    public var refusals: [Refusal]
    /// Further refusals, where there are very many.
    public var rest: RefusedGroups?
    /// What could not be asked now.
    ///
    /// The event is `held` once the others have had it, and matched again for these alone (``Event/awaits`` names them
    /// then) after ``Engine/release(eventsFor:)``.
    public var awaits: [Awaited]

    public init(
        starts: [Start] = [], refusals: [Refusal] = [], rest: RefusedGroups? = nil, awaits: [Awaited] = []
    ) {
        self.starts = starts
        self.refusals = refusals
        self.rest = rest
        self.awaits = awaits
    }
}

/// Something of the handler's that is not there to be asked which rules an event starts.
public struct Awaited: Sendable, Hashable {
    /// As ``Engine/release(eventsFor:)`` and ``Start/group`` name it.
    public var key: String
    /// What people read.
    public var reason: String

    public init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }
}

/// A rule to start, and the version that the invocation pins.
public struct Start: Sendable, Hashable {
    public var rule: String
    public var version: String
    public var mode: StartMode
    /// What it belongs to that may be missing as a whole; see ``Awaited/key``.
    public var group: String?

    public init(rule: String, version: String, mode: StartMode = .parallel, group: String? = nil) {
        self.rule = rule
        self.version = version
        self.mode = mode
        self.group = group
    }
}

/// What happens if the rule has unfinished invocations in the event's queue: ones that run, wait, retry or are parked.
public enum StartMode: Sendable, Hashable {
    /// Starts beside them.
    case parallel
    /// Refuses, with the reason.
    case single
    /// Cancels them, after any command in the air, and starts.
    case restart
    /// Starts after they ended; refuses if `limit` stand in line already.
    case queued(limit: Int)
    /// Starts once no further event has started the rule for so long, with the last of them.
    case debounce(Duration)
}

/// Why a rule did not start.
public struct Refusal: Sendable, Hashable {
    public var rule: String
    public var reason: String

    public init(rule: String, reason: String) {
        self.rule = rule
        self.reason = reason
    }
}

/// Why a handler could not do what it was asked.
public struct EngineFailure: Error, Sendable, Hashable {
    public var message: String
    /// Whether the same call may succeed later.
    public var retryable: Bool
    /// The shortest delay before the next try, if somebody asked for one.
    public var retryAfter: Duration?
    /// Who did not answer, if that was why: once nobody answers there for long, their calls wait.
    public var upstream: String?

    public init(_ message: String, retryable: Bool, retryAfter: Duration? = nil, upstream: String? = nil) {
        self.message = message
        self.retryable = retryable
        self.retryAfter = retryAfter
        self.upstream = upstream
    }
}
