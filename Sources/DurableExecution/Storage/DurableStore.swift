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
    ///
    /// Fails with `conflict` if the event is over (it was forgotten, say).
    case matched(event: Int64, payload: Data?, starts: [Invocation], refusals: [Refusal], at: Date)
    /// Inserts or replaces a journal entry.
    case entry(JournalEntry)
    /// Appends what a program logged before the command at `position`, or before its end.
    case logs(invocation: String, position: Int, lines: [LogLine], at: Date)
    /// Inserts or replaces an invocation. One that ended lets the next that stands in line for its rule and queue begin.
    case invocation(Invocation)
    /// Registers the wait of an invocation, in place of the one that it has, if any.
    case wait(Waiting)
    /// Removes the wait of an invocation, if it has one.
    case endWait(invocation: String)
    /// Gives an event to a wait, whose invocation thereby runs, its attempt counting up.
    ///
    /// Fails with `conflict` if the wait ended or the invocation is not waiting.
    case deliver(event: Int64, to: Waiting, outcome: Data, at: Date)
    /// Records that an invocation is to end, for the run that is under way or the next one; nil takes that back.
    case requestCancel(invocation: String, reason: String?)
    /// Cancels an invocation. Fails with `conflict` if it runs or has ended.
    case cancel(invocation: String, reason: String, at: Date)
    /// Forgets what an invocation did.
    case clearJournal(invocation: String)
    /// Changes the rules' store. Fails with `badInput` where a command would have failed.
    case store(StoreOperation, at: Date)
    case pause(Pause)
    case resume(subject: String)
    /// Names identities of events that the invocation causes: those there are get it as cause, others once they come.
    case produced(identities: [String], by: String, at: Date)
    /// Forgets how often the process ended while the event ran.
    case survived(event: Int64)
    /// Gives a failed or quarantined event its turn again. Fails with `conflict` if it is in another state.
    case reopen(event: Int64, at: Date)
    /// Fails with `conflict`, so that nothing is written, unless it holds.
    case expect(Expectation)
}

/// What has to hold for a write to make sense.
public enum Expectation: Sendable, Hashable {
    /// No wait on the queue was registered after the one with this number.
    case noNewWaits(queue: String, after: Int64)
    /// So many events of the queue after this sequence have had their turn (are not pending), no more.
    case passedEvents(queue: String, after: Int64, count: Int)
    case invocationState(id: String, InvocationState)
    /// The event is open and its cause is this.
    case openEvent(sequence: Int64, cause: String?)
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

    /// Makes ready what a process that ended left in the air: running invocations of closed events become due at `time`,
    /// and those that were to be cancelled, and don't run, are.
    func recover(at time: Date, epoch: Epoch) async throws(EngineError)

    /// Takes up invocations whose time has come, the longest due first: they become running, their attempt counts up.
    func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations

    /// Deletes what is too old.
    ///
    /// - Returns: How many events, identities and values were deleted; 0 once there are no more.
    func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int

    /// Makes at most `limit` invocations due that are held by `key`, the oldest first.
    ///
    /// - Returns: How many.
    func release(_ key: String, at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> Int

    /// Erases events that were not forgotten yet, with what they started, and values.
    ///
    /// Invocations that run have to have ended before. Deleted content is overwritten.
    /// - Returns: What was erased; nothing once there is no more.
    func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten

    /// Counts that a process ended while these ran; what reaches `limit` is quarantined.
    ///
    /// An open event is then `quarantined` and its running invocations are parked; of a closed one, only the
    /// invocations noted are parked.
    ///
    /// - Parameter pausing: The subject that is paused for a rule which ran; nil: none is.
    func noteCrashes(
        _ notes: [CrashNote], limit: Int, at time: Date, epoch: Epoch,
        pausing: @escaping @Sendable (_ rule: String) -> String?
    ) async throws(EngineError) -> [Quarantined]

    /// Has pending events of one queue change places, so that what happened earlier has the lower sequence.
    ///
    /// Their contents and identities are spread anew over the same sequences; times are compared as finely as the coarsest
    /// of them was told. What has begun, or ended a process before, stays where it is.
    ///
    /// - Returns: Those of the events that are open, in sequence.
    func arrange(_ sequences: [Int64], epoch: Epoch) async throws(EngineError) -> [Event]

    /// Work that keeps files small and has no effect otherwise.
    func tidy() async throws(EngineError)

    func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError)

    /// Makes an empty store of the same kind that ends with the process, for trying things.
    ///
    /// - Parameter sequence: The sequence after which its events are counted.
    func makeScratch(after sequence: Int64) throws(EngineError) -> any DurableStore

    // MARK: Reading

    func cursor(_ name: String) async throws(EngineError) -> String?

    func pauses() async throws(EngineError) -> [Pause]

    /// The keys of holds without an end.
    func endlessHolds() async throws(EngineError) -> [String]

    /// Events that ran when a process ended, and may run.
    func suspects() async throws(EngineError) -> [Int64]

    /// How many bytes all that is kept takes.
    func size() async throws(EngineError) -> Int

    /// What the rules' store holds, as a `get` at `time` would see it.
    func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data?

    func event(_ sequence: Int64) async throws(EngineError) -> Event?

    /// Which event has that identity.
    func event(identity: String) async throws(EngineError) -> Int64?

    /// The invocation that was named as the cause of events with that identity; see ``Change/produced(identities:by:at:)``.
    func producer(of identity: String) async throws(EngineError) -> String?

    /// Events after `sequence`, up to `last`, that are pending or running, in sequence, of one queue or of all.
    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event]

    /// Invocations of an event, in the order in which they start; nil if the event was not matched yet.
    func starts(of event: Int64) async throws(EngineError) -> [Invocation]?

    func journal(of invocation: String) async throws(EngineError) -> [JournalEntry]

    /// Invocations that wait for events of `queue`, the newest wait first.
    func waits(on queue: String) async throws(EngineError) -> WaitList

    /// The invocation's place in the inbox of `queue`; see ``Wait``.
    func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64

    /// Events of `queue` after `sequence` that have had their turn, in sequence.
    func passedEvents(after sequence: Int64, queue: String) async throws(EngineError) -> [Event]

    /// Whether `queue` has an event after `sequence` whose turn has not come and that happened or was accepted by `deadline`.
    func hasPending(after sequence: Int64, queue: String, by deadline: Date) async throws(EngineError) -> Bool

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

/// What ``DurableStore/waits(on:)`` found.
public struct WaitList: Sendable, Hashable {
    public var waits: [Waiting]
    /// The number of the latest registration of any wait, at the same instant.
    public var latest: Int64

    public init(waits: [Waiting], latest: Int64) {
        self.waits = waits
        self.latest = latest
    }
}
