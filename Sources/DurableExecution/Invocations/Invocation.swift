public import Foundation

/// One rule run for one event.
public struct Invocation: Sendable, Hashable, Identifiable {
    /// `inv_` and 16 hexadecimal digits made of the event and the place among its invocations; see ``InvocationID``.
    public var id: String
    /// The sequence of the event that started it.
    public var event: Int64
    public var queue: String
    public var rule: String
    public var version: String
    public var state: InvocationState
    /// Why it is parked, retrying, failed or cancelled.
    public var reason: String?
    /// With which failure it ended, if it is failed.
    public var failure: ProgramFailure?
    /// How often it was taken up: 1 for the first run, one more for each replay.
    public var attempt: Int
    public var createdAt: Date
    public var updatedAt: Date
    /// When it goes on by itself, if it is retrying, waiting or held.
    public var nextAttemptAt: Date?
    /// What it is held by, if it is held; see ``Hold/key``.
    public var holdKey: String?
    /// Why it was asked to end, if it was; see ``Engine/cancel(_:reason:)``.
    public var cancelRequest: String?
    /// What the program returned, JSON.
    public var result: Data?
    /// Whether a host that performs nothing began it; see ``EngineConfiguration/isDryRun``. It stays what it is.
    public var isDry: Bool

    public init(
        id: String, event: Int64, queue: String, rule: String, version: String, state: InvocationState = .running,
        reason: String? = nil, failure: ProgramFailure? = nil, attempt: Int = 0, createdAt: Date, updatedAt: Date,
        nextAttemptAt: Date? = nil, holdKey: String? = nil, cancelRequest: String? = nil, result: Data? = nil,
        isDry: Bool = false
    ) {
        self.id = id
        self.event = event
        self.queue = queue
        self.rule = rule
        self.version = version
        self.state = state
        self.reason = reason
        self.failure = failure
        self.attempt = attempt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.nextAttemptAt = nextAttemptAt
        self.holdKey = holdKey
        self.cancelRequest = cancelRequest
        self.result = result
        self.isDry = isDry
    }
}

extension Invocation {
    /// What holds an invocation whose host performs nothing though it is live, or the other way round.
    ///
    /// Dry ones would be performed from the middle, and a live one's answers be used up for nothing.
    public static func holdOfOtherKind(isDry: Bool) -> Hold {
        isDry
            ? Hold(key: "dry_run", reason: "it is a dry run, and this host runs live")
            : Hold(key: "live_run", reason: "it is a live run, and this host runs dry")
    }
}

public enum InvocationState: String, Sendable, Hashable, CaseIterable {
    /// Runs, or is to run as its event's turn comes.
    case running
    /// A command failed and is tried again at ``Invocation/nextAttemptAt``.
    case retrying
    /// Waits for an event or a time.
    case waiting
    /// Its next command waits for a time or a release (a pause, an upstream that doesn't answer); the reason says for what.
    case held
    /// Has not begun: an invocation before it has to end, or its time has to come.
    case queued
    /// Held for a person: the reason says why (an unknown outcome, a divergence).
    case parked
    case finished
    /// A dead letter: it ended with a failure.
    case failed
    case cancelled

    /// Whether it has ended for good, unless a person retries it.
    public var isEnded: Bool { self == .finished || self == .failed || self == .cancelled }
    /// Whether the next event of the queue may start.
    public var isSettled: Bool { self != .running }
}
