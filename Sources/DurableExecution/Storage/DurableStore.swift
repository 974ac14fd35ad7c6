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
    /// Records the refusals of an event that are too many to be recorded one by one, and those beside them.
    case refused(event: Int64, [Refusal], RefusedGroups, at: Date)
    /// Inserts or replaces a journal entry. The first time that a `once` command is written with a queue for its answers, the
    /// invocation's place in that queue is moved to the end of the inbox.
    case entry(JournalEntry)
    /// Appends what a program logged before the command at `position`, or before its end.
    case logs(invocation: String, position: Int, lines: [LogLine], at: Date)
    /// Inserts or replaces an invocation. One that ended lets the next that stands in line for its rule and queue begin.
    case invocation(Invocation)
    /// Registers the wait of an invocation, in place of the one that it has, if any.
    case wait(Waiting)
    /// Removes the wait of an invocation, if it has one.
    case endWait(invocation: String)
    /// Gives an event to a wait, whose invocation thereby runs, its attempt counting up; the invocation's place moves on to
    /// the event. A held command lapses instead: it ends with the outcome, and the place stays.
    ///
    /// The delivery is part of the event until that is over, so that it goes on with the event after a crash.
    /// Fails with `conflict` if the wait ended or the invocation is neither waiting nor held at that command.
    case deliver(event: Int64, to: Waiting, outcome: Data, at: Date)
    /// Makes an invocation due that waits; one that waits no more stays as it is.
    case due(invocation: String, at: Date)
    /// Records that an invocation is to end, for the run that is under way or the next one; nil takes that back.
    case requestCancel(invocation: String, reason: String?)
    /// Cancels an invocation. Fails with `conflict` if it runs or has ended.
    case cancel(invocation: String, reason: String, at: Date)
    /// Forgets what an invocation did.
    case clearJournal(invocation: String)
    /// Changes the rules' store. Fails with `badInput` where a command would have failed.
    case store(StoreOperation, at: Date)
    case fact(Fact)
    case pause(Pause)
    case resume(subject: String)
    /// Names identities of events that the invocation causes: those there are get it as cause, others once they come.
    case produced(identities: [String], by: String, at: Date)
    /// Forgets how often the process ended while the event ran.
    case survived(event: Int64)
    /// Gives an event its turn again that failed, was quarantined, expired or is held; its age counts from then on.
    ///
    /// Fails with `conflict` if it is in another state.
    case reopen(event: Int64, at: Date)
    /// Brings forward by `step` those invocations that retry later than `after`, but not to before it.
    case hastenRetries(by: Duration, after: Date)
    /// Sets what an event is to be matched for again.
    case awaits(event: Int64, Awaiting?)
    /// Fails with `conflict`, so that nothing is written, unless it holds.
    case expect(Expectation)
}

/// What has to hold for a write to make sense.
public enum Expectation: Sendable, Hashable {
    /// No wait on the queue was registered after the one with this number.
    case noNewWaits(queue: String, after: Int64)
    /// The queue has no event after this sequence.
    case noEvents(queue: String, after: Int64)
    case invocationState(id: String, InvocationState)
    /// The event was not forgotten.
    case remembered(event: Int64)
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

    /// Keeps new events with their facts, in order, and says what became of each. An event may be the double of one before
    /// it in `events`.
    func accept(_ events: [NewEvent], at time: Date, epoch: Epoch) async throws(EngineError) -> [Acceptance]

    /// Gives `identity` to `event` unless another has it.
    func claim(_ identity: String, for event: Int64, at time: Date, epoch: Epoch) async throws(EngineError)
        -> ClaimResult

    func write(_ changes: [Change], epoch: Epoch) async throws(EngineError)

    /// Performs `operation` and records its outcome in `entry`, together with `changes`.
    ///
    /// - Parameter quota: What the operation may not exceed; then it fails with code `too_large`. Nil: any size is kept.
    /// - Returns: The entry as kept: succeeded with the outcome, or failed.
    func perform(
        _ operation: StoreOperation, quota: StoreQuota?, entry: JournalEntry, changes: [Change], at time: Date,
        epoch: Epoch
    ) async throws(EngineError) -> JournalEntry

    /// Makes ready what a process that ended left in the air: running invocations of events that are closed, or are
    /// matched for the rest (``Event/awaits``), become due at `time`, unless a running event that is not matched for the
    /// rest was given to them, and those that were to be cancelled, and don't run, are.
    func recover(at time: Date, epoch: Epoch) async throws(EngineError)

    /// Takes up invocations whose time has come, the longest due first: they become running, their attempt counts up.
    func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations

    /// Deletes what is too old, in commits between which others have their turn, until nothing is left or the task is
    /// cancelled.
    ///
    /// - Returns: How many events, identities, announced identities and values were deleted.
    func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int

    /// Makes at most `limit` invocations due that are held by `key`, the oldest first; waits may be held as well.
    ///
    /// - Returns: How many.
    func release(_ key: String, at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> Int

    /// Erases events that were not forgotten yet, with what they started, and values.
    ///
    /// Their identities stay known, but can't be read from the store. Deleted content is overwritten.
    /// - Returns: What was erased; nothing once there is no more.
    func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten

    /// Completes what makes sure that nothing deleted can be read from the files; a file of an earlier version may need
    /// time for that.
    ///
    /// - Parameter isThorough: Whether parts of pages that are not in use are overwritten too.
    /// - Returns: Where copies may be left.
    func scrub(isThorough: Bool, epoch: Epoch) async throws(EngineError) -> Remnants

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

    /// Has invocations look again that are dry, or live, and wait for events of a queue that got some since they looked.
    func lookAgain(dry isDry: Bool, at time: Date, epoch: Epoch) async throws(EngineError)

    /// Keeps what a version is made of that invocations are going to pin. One that is kept already counts as kept anew.
    func keep(_ version: String, content: Data, at time: Date, epoch: Epoch) async throws(EngineError)

    /// Deletes versions that were kept before `time`, are not among `others`, and that no unfinished invocation pins.
    ///
    /// - Returns: How many.
    func dropVersions(
        keptBefore time: Date, except others: Set<String>, epoch: Epoch
    ) async throws(EngineError) -> Int

    /// Lets held events that await `key` run again, in the order of their queues and sequences; `event` limits it to one.
    ///
    /// - Returns: Those that run now; none once there are no more.
    func takeUpHeld(_ key: String, event: Int64?, limit: Int, epoch: Epoch) async throws(EngineError) -> [Event]

    /// Has held events expire that happened, or were retried, before `time`.
    ///
    /// - Returns: How many.
    func expireHeld(before time: Date, note: String, limit: Int, epoch: Epoch) async throws(EngineError) -> Int

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

    /// The facts of a scope, in the order of their keys.
    func facts(scope: String) async throws(EngineError) -> [Fact]

    /// What a version is made of; nil if it is not kept.
    func content(ofVersion version: String) async throws(EngineError) -> Data?

    /// What events of `queue` before `sequence` await that may still run; of all queues and events if they are nil.
    func awaited(in queue: String?, before sequence: Int64?) async throws(EngineError) -> Set<String>

    func event(_ sequence: Int64) async throws(EngineError) -> Event?

    /// Which event has that identity.
    func event(identity: String) async throws(EngineError) -> Int64?

    /// The invocation that was named as the cause of events with that identity; see ``Change/produced(identities:by:at:)``.
    func producer(of identity: String) async throws(EngineError) -> String?

    /// The queues of which an event had this key; see ``NewEvent/keys``.
    func queues(of key: String) async throws(EngineError) -> [String]

    /// Up to this sequence events were kept without keys, by an earlier version; 0 if none were.
    func lastWithoutKeys() async throws(EngineError) -> Int64

    /// Events after `sequence`, up to `last`, that are pending or running, in sequence, of one queue or of all.
    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event]

    /// Invocations of an event, in the order in which they start; nil if the event was not matched yet.
    func starts(of event: Int64) async throws(EngineError) -> [Invocation]?

    /// Invocations to which an event that is not over was given, in that order.
    func deliveries(of event: Int64) async throws(EngineError) -> [Invocation]

    /// The journal from a place on, in the order of the places.
    func journal(of invocation: String, from position: Int) async throws(EngineError) -> [JournalEntry]

    /// Entries from `position` on, in order: as many as fit `byteLimit` with inputs and outcomes, and one at least, if
    /// there is one.
    func journal(
        of invocation: String, from position: Int, byteLimit: Int
    ) async throws(EngineError) -> [JournalEntry]

    /// Invocations that wait for events of `queue`, or are held at a command that such an event overtakes; the newest wait
    /// first.
    func waits(on queue: String) async throws(EngineError) -> WaitList

    /// The invocation's place in the inbox of `queue`; see ``Wait``.
    func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64

    /// How many invocations of `rule`, besides one, wait for events of `queue`; counted up to `limit`.
    func countWaits(on queue: String, rule: String, besides invocation: String, limit: Int) async throws(EngineError)
        -> Int

    /// The first `limit` events of `queue` after `sequence` that have had their turn, in sequence.
    func passedEvents(after sequence: Int64, queue: String, limit: Int) async throws(EngineError) -> [Event]

    /// When the first of the events of `queue` whose turn has not come happened or was accepted; nil if there are none.
    func earliestPending(in queue: String) async throws(EngineError) -> Date?

    /// Whether `queue` has an event after `sequence` whose turn has not come and that happened or was accepted by `deadline`.
    func hasPending(after sequence: Int64, queue: String, by deadline: Date) async throws(EngineError) -> Bool

    func events(_ filter: EventFilter) async throws(EngineError) -> [Event]

    func invocation(_ id: String) async throws(EngineError) -> Invocation?

    func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation]

    func refusals(of event: Int64) async throws(EngineError) -> [Refusal]

    func logs(of invocation: String) async throws(EngineError) -> [RecordedLog]
}

extension DurableStore {
    public func journal(of invocation: String) async throws(EngineError) -> [JournalEntry] {
        try await journal(of: invocation, from: 0)
    }
}

/// Where copies of what was deleted may be left.
public struct Remnants: OptionSet, Sendable, Hashable {
    public var rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The database's log, because somebody reads it for long (a backup, say).
    public static let log = Remnants(rawValue: 1)
    /// Parts of the file's pages that are not in use, because the file is too large to be written anew at once.
    public static let pages = Remnants(rawValue: 2)
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
