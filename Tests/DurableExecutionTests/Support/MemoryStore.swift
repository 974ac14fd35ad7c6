import Foundation
import Synchronization

@testable import DurableExecution

/// A store in memory, written for the tests: the contract's second implementation, and a disk that can be made to lie.
///
/// It is worth its upkeep twice over. What one implementation alone can do is not a contract, so the suites of
/// ``DurableStore`` run against both; and the simulation needs a store that loses what was not synced, breaks a promise on
/// purpose, and takes microseconds, so that thousands of seeds fit into a test run.
final class MemoryStore: DurableStore {
    /// Ways to break a promise on purpose.
    enum Fault: CaseIterable {
        /// A `once` command is performed without its intent being kept.
        case skipsIntent
        /// Events are acknowledged before they are on disk.
        case acknowledgesBeforeSync
        /// The events of a queue come in the wrong order.
        case dropsOrder
        /// A delivery that came before is taken for a new event.
        case forgetsIdentities
        /// An intent without outcome is taken for one that failed without effect.
        case repeatsUnknown
        /// A change of the rules' store is kept, but not that it took place.
        case splitsStoreFromJournal
        /// An answer that ended a wait is offered to the next one.
        case returnsAnswersTwice
        /// A wait whose time is over ends though an answer is in the inbox.
        case overlooksPendingAnswers
        /// What ran when the process ended is left as it is.
        case forgetsRunning
        /// Writes of a match take effect though a wait was registered in between.
        case ignoresExpectations
        /// What was held stays held though it was released.
        case losesReleases
        /// What was paused is not when the next process starts.
        case losesPauses
        /// What waits for its turn has it though it was forgotten.
        case keepsForgottenOpen
    }

    struct State {
        var epoch: Int64 = 0
        /// In sequence.
        var events: [Event] = []
        /// The last sequence given.
        var last: Int64 = 0
        /// When identities were learnt.
        var learnt: [String: Date] = [:]
        var matched: Set<Int64> = []
        var identities: [String: Int64] = [:]
        var refusals: [Int64: [Refusal]] = [:]
        var invocations: [String: Invocation] = [:]
        var journal: [String: [Int: JournalEntry]] = [:]
        var logs: [String: [RecordedLog]] = [:]
        var waits: [Waiting] = []
        var registrations: Int64 = 0
        var values: [[String]: (value: Data, end: Date?)] = [:]
        var cursors: [String: String] = [:]
        var pauses: [String: Pause] = [:]
        var productions: [String: String] = [:]
        /// When what is in `productions` was learnt.
        var produced: [String: Date] = [:]
        var crashes: [Int64: Int] = [:]
        /// The invocations that wrote something about their first command, in that order.
        var begun: [String] = []
        /// Events that were held back by quarantine, and so lost their place.
        var displaced: Set<Int64> = []
        var fault: Fault?
    }

    private struct Disk {
        var current = State()
        var synced = State()
    }

    private let disk = Mutex(Disk())
    private let fault: Fault?

    init(fault: Fault? = nil) {
        self.fault = fault
        disk.withLock {
            $0.current.fault = fault
            $0.synced.fault = fault
        }
    }

    /// The process dies: what was not synced is lost.
    func crash() { disk.withLock { $0.current = $0.synced } }

    func read<Value: Sendable>(_ query: (State) throws -> Value) throws(EngineError) -> Value {
        do {
            return try disk.withLock { try query($0.current) }
        } catch {
            throw EngineError(storage: error)
        }
    }

    /// Changes everything or nothing.
    private func change<Value: Sendable>(
        _ epoch: Epoch, syncs: Bool = true, _ change: (inout State) throws -> Value
    ) throws(EngineError) -> Value {
        do {
            return try disk.withLock { disk in
                guard disk.current.epoch == epoch.number else {
                    throw EngineError(.superseded, "epoch \(epoch.number) is over")
                }
                var state = disk.current
                let value = try change(&state)
                disk.current = state
                if syncs { disk.synced = state }
                return value
            }
        } catch {
            throw EngineError(storage: error)
        }
    }

    // MARK: Writing

    func takeOver() async throws(EngineError) -> Epoch {
        disk.withLock { disk in
            disk.current.epoch += 1
            disk.synced.epoch = disk.current.epoch
            return Epoch(number: disk.current.epoch)
        }
    }

    func accept(_ events: [NewEvent], at time: Date, epoch: Epoch) async throws(EngineError) -> [Acceptance] {
        try change(epoch, syncs: fault != .acknowledgesBeforeSync) { state in
            try events.map { try state.accept($0, at: time.storable) }
        }
    }

    func claim(
        _ identity: String, for event: Int64, at time: Date, epoch: Epoch
    ) async throws(EngineError) -> ClaimResult {
        try change(epoch) { state in
            let holder = state.identities[identity] ?? event
            state.identities[identity] = holder
            guard holder == event else { return .heldBy(holder) }
            if let producer = state.productions[identity] { state.cause(event, producer) }
            return .claimed
        }
    }

    func write(_ changes: [Change], epoch: Epoch) async throws(EngineError) {
        try change(epoch) { state in
            for change in changes { try state.apply(change) }
        }
    }

    func perform(
        _ operation: StoreOperation, entry: JournalEntry, changes: [Change], at time: Date, epoch: Epoch
    ) async throws(EngineError) -> JournalEntry {
        try change(epoch) { state in
            for change in changes { try state.apply(change) }
            var entry = entry
            do {
                entry.outcome = try state.perform(operation, at: time)
                entry.state = .succeeded
            } catch let failure as CommandFailure {
                entry.failure = failure
                entry.state = .failed
            }
            entry.endedAt = time
            if state.fault != .splitsStoreFromJournal { try state.apply(.entry(entry)) }
            return entry
        }
    }

    func recover(at time: Date, epoch: Epoch) async throws(EngineError) {
        try change(epoch) { state in
            guard state.fault != .forgetsRunning else { return }
            for (id, invocation) in state.invocations where invocation.state == .running {
                guard state.event(invocation.event)?.state != .running else { continue }
                state.invocations[id]?.state = .retrying
                state.invocations[id]?.nextAttemptAt = time.storable
            }
            for invocation in state.invocations.values where invocation.cancelRequest != nil {
                guard invocation.state.isSettled, !invocation.state.isEnded else { continue }
                try state.cancel(invocation.id, invocation.cancelRequest ?? "", time)
            }
        }
    }

    func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations {
        try change(epoch) { state in
            let due = state.invocations.values.filter { $0.nextAttemptAt.map { $0 <= time } ?? false }
                .sorted { ($0.nextAttemptAt ?? time, $0.id) < ($1.nextAttemptAt ?? time, $1.id) }
            let taken = due.prefix(limit).map { invocation in
                var invocation = invocation
                invocation.state = .running
                invocation.attempt += 1
                invocation.nextAttemptAt = nil
                invocation.holdKey = nil
                invocation.updatedAt = time.storable
                return invocation
            }
            for invocation in taken { state.invocations[invocation.id] = invocation }
            return DueInvocations(taken: taken, next: state.invocations.values.compactMap(\.nextAttemptAt).min())
        }
    }

    func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int {
        try change(epoch) { $0.prune(pruning) }
    }

    func release(_ key: String, at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> Int {
        try change(epoch) { state in
            let held = state.invocations.values.filter { $0.holdKey == key }.map(\.id).sorted().prefix(limit)
            guard state.fault != .losesReleases else { return 0 }
            for id in held {
                state.invocations[id]?.state = .retrying
                state.invocations[id]?.holdKey = nil
                state.invocations[id]?.nextAttemptAt = time.storable
                state.invocations[id]?.reason = "released"
            }
            return held.count
        }
    }

    func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten {
        try change(epoch) { try $0.forget(forgetting) }
    }

    func noteCrashes(
        _ notes: [CrashNote], limit: Int, at time: Date, epoch: Epoch,
        pausing: @escaping @Sendable (_ rule: String) -> String?
    ) async throws(EngineError) -> [Quarantined] {
        try change(epoch) { state in
            Dictionary(grouping: notes, by: \.event).sorted { $0.key < $1.key }.compactMap { event, notes in
                state.crashes[event, default: 0] += 1
                guard let count = state.crashes[event], count >= limit else { return nil }
                return state.quarantine(event, notes.compactMap(\.invocation), count, time, pausing)
            }
        }
    }

    func arrange(_ sequences: [Int64], epoch: Epoch) async throws(EngineError) -> [Event] {
        try change(epoch) { $0.arrange(sequences) }
    }

    func makeScratch(after sequence: Int64) throws(EngineError) -> any DurableStore {
        let store = MemoryStore()
        store.disk.withLock { $0.current.last = sequence }
        return store
    }

    func tidy() async throws(EngineError) {}

    func producer(of identity: String) async throws(EngineError) -> String? {
        try read { $0.productions[identity] }
    }

    func pauses() async throws(EngineError) -> [Pause] {
        guard fault != .losesPauses else { return [] }
        return try read { $0.pauses.values.sorted { $0.subject < $1.subject } }
    }

    func endlessHolds() async throws(EngineError) -> [String] {
        try read { state in
            Set(state.invocations.values.filter { $0.nextAttemptAt == nil }.compactMap(\.holdKey)).sorted()
        }
    }

    func suspects() async throws(EngineError) -> [Int64] {
        try read { state in
            state.crashes.keys.sorted().filter { event in
                state.event(event)?.state.isOpen == true
                    || state.invocations.values.contains {
                        $0.event == event && !$0.state.isEnded && $0.state != .parked
                    }
            }
        }
    }

    func size() async throws(EngineError) -> Int { try read { $0.events.count * 4096 } }

    func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError) {
        try change(epoch) { $0.cursors[name] = value }
    }

    // MARK: Reading

    func cursor(_ name: String) async throws(EngineError) -> String? { try read { $0.cursors[name] } }

    func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data? {
        try read { $0.value(scope, key, at: time) }
    }

    func event(_ sequence: Int64) async throws(EngineError) -> Event? {
        try read { $0.event(sequence) }
    }

    func event(identity: String) async throws(EngineError) -> Int64? { try read { $0.identities[identity] } }

    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event] {
        let events = try read { state in
            state.events.filter {
                $0.sequence > sequence && $0.sequence <= last && $0.state.isOpen && (queue == nil || $0.queue == queue)
            }
        }
        let page = events.prefix(limit)
        guard fault == .dropsOrder, let last = page.last else { return Array(page) }
        return page.dropLast().reversed() + [last]
    }

    func starts(of event: Int64) async throws(EngineError) -> [Invocation]? {
        try read { state in
            guard state.matched.contains(event) else { return nil }
            return state.invocations.values.filter { $0.event == event }.sorted { $0.id < $1.id }
        }
    }

    func waits(on queue: String) async throws(EngineError) -> WaitList {
        try read { state in
            let waits = state.waits.filter { $0.queue == queue && state.invocations[$0.invocation]?.state == .waiting }
            return WaitList(waits: waits.sorted { $0.opened > $1.opened }, latest: state.registrations)
        }
    }

    func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64 {
        try read { state in
            let entries = state.journal[invocation.id, default: [:]].values.filter { $0.inboxQueue == queue }
            let counted = state.fault == .returnsAnswersTwice ? entries.filter { $0.effect != "wait" } : entries
            return max(invocation.event, counted.compactMap(\.inboxPlace).max() ?? 0)
        }
    }

    func passedEvents(after sequence: Int64, queue: String) async throws(EngineError) -> [Event] {
        try read { $0.events.filter { $0.queue == queue && $0.sequence > sequence && $0.state != .pending } }
    }

    func hasPending(after sequence: Int64, queue: String, by deadline: Date) async throws(EngineError) -> Bool {
        guard fault != .overlooksPendingAnswers else { return false }
        return try read { state in
            state.events.contains {
                $0.queue == queue && $0.sequence > sequence && $0.state == .pending
                    && min($0.occurredAt, $0.acceptedAt) <= deadline
            }
        }
    }

    func journal(of invocation: String) async throws(EngineError) -> [JournalEntry] {
        let entries = try read { $0.journal[invocation, default: [:]].values.sorted { $0.position < $1.position } }
        guard fault == .repeatsUnknown else { return entries }
        return entries.map { entry in
            var entry = entry
            if entry.state == .intended { entry.state = .retrying }
            return entry
        }
    }

    func events(_ filter: EventFilter) async throws(EngineError) -> [Event] {
        try read { state in
            let found = state.events.reversed().filter {
                (filter.states.isEmpty || filter.states.contains($0.state))
                    && (filter.queue == nil || $0.queue == filter.queue)
                    && (filter.kind == nil || $0.kind == filter.kind)
                    && $0.sequence < filter.before ?? .max
            }
            return Array(found.prefix(filter.limit))
        }
    }

    func invocation(_ id: String) async throws(EngineError) -> Invocation? { try read { $0.invocations[id] } }

    func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation] {
        try read { state in
            let found = state.invocations.values.filter {
                (filter.states.isEmpty || filter.states.contains($0.state))
                    && (filter.queue == nil || $0.queue == filter.queue)
                    && (filter.rule == nil || $0.rule == filter.rule)
                    && (filter.event == nil || $0.event == filter.event)
                    && $0.id < filter.before ?? "~"
            }
            return Array(found.sorted { $0.id > $1.id }.prefix(filter.limit))
        }
    }

    func refusals(of event: Int64) async throws(EngineError) -> [Refusal] { try read { $0.refusals[event] ?? [] } }

    func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        try read { $0.logs[invocation] ?? [] }
    }
}
