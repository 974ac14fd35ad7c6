public import Foundation

/// Which ownership of the store a write belongs to.
///
/// Every claim on the store gets a higher epoch; a write under a lower one than the current fails with
/// ``EngineError/Code/superseded``. So a process that was thought dead and went on changes nothing.
public struct Epoch: Sendable, Hashable, Comparable {
    public var number: Int64

    public init(number: Int64) { self.number = number }

    public static func < (left: Epoch, right: Epoch) -> Bool { left.number < right.number }
}

/// Something to be written. Changes given together are written together or not at all.
public enum Change: Sendable, Hashable {
    /// Sets an event's state and note.
    case event(sequence: Int64, state: EventState, note: String?, at: Date)
    /// Records preparation (`payload`, unless it stayed as it was) and matching of an event, which thereby runs.
    case matched(event: Int64, payload: Data?, starts: [Invocation], refusals: [Refusal], at: Date)
    /// Inserts or replaces a journal entry.
    case entry(JournalEntry)
    /// Appends what a program logged before the command at `position`, or before its end.
    case logs(invocation: String, position: Int, lines: [LogLine], at: Date)
    /// Inserts or replaces an invocation.
    case invocation(Invocation)
}

/// Where the engine keeps everything that has to outlive the process.
///
/// All times are kept to the microsecond. Every writing function returns only after its change is durable (`fsync`),
/// and either keeps all of it or, if it throws, nothing — except that after ``EngineError/Code/storeFailed`` nothing is
/// known, and the process has to end. A sequence becomes visible to readers only after all lower ones.
/// Calls may come from many tasks at once; writes that wait at the same time may share a transaction.
public protocol DurableStore: Sendable {
    /// Takes the store over from whoever had it, so that their writes fail from now on.
    func takeOver() async throws(EngineError) -> Epoch

    /// Keeps new events, in order, and says what became of each. An event may be the double of one before it in `events`.
    func accept(_ events: [NewEvent], at time: Date, epoch: Epoch) async throws(EngineError) -> [Acceptance]

    /// Gives `identity` to `event` unless another has it.
    func claim(_ identity: String, for event: Int64, at time: Date, epoch: Epoch) async throws(EngineError)
        -> ClaimResult

    func write(_ changes: [Change], epoch: Epoch) async throws(EngineError)

    /// Performs `operation` and records its outcome in `entry`, together with `changes`.
    ///
    /// - Returns: The entry as kept: succeeded with the outcome, or failed.
    func perform(
        _ operation: StoreOperation, entry: JournalEntry, changes: [Change], at time: Date, epoch: Epoch
    ) async throws(EngineError) -> JournalEntry

    /// Makes ready what a process that ended left in the air: running invocations of closed events become due at `time`.
    func recover(at time: Date, epoch: Epoch) async throws(EngineError)

    /// Takes up invocations whose time has come, the longest due first: they become running, their attempt counts up.
    func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations

    func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError)

    // MARK: Reading

    func cursor(_ name: String) async throws(EngineError) -> String?

    /// What the rules' store holds, as a `get` at `time` would see it.
    func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data?

    func event(_ sequence: Int64) async throws(EngineError) -> Event?

    /// Which event has that identity.
    func event(identity: String) async throws(EngineError) -> Int64?

    /// Events after `sequence`, up to `last`, that are pending or running, in sequence, of one queue or of all.
    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event]

    /// Invocations of an event, in the order in which they start; nil if the event was not matched yet.
    func starts(of event: Int64) async throws(EngineError) -> [Invocation]?

    func journal(of invocation: String) async throws(EngineError) -> [JournalEntry]

    func events(_ filter: EventFilter) async throws(EngineError) -> [Event]

    func invocation(_ id: String) async throws(EngineError) -> Invocation?

    func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation]

    func refusals(of event: Int64) async throws(EngineError) -> [Refusal]

    func logs(of invocation: String) async throws(EngineError) -> [RecordedLog]
}

/// What ``DurableStore/takeDue(at:limit:epoch:)`` found.
public struct DueInvocations: Sendable, Hashable {
    public var taken: [Invocation]
    /// When the next of the others falls due.
    public var next: Date?

    public init(taken: [Invocation], next: Date?) {
        self.taken = taken
        self.next = next
    }
}
