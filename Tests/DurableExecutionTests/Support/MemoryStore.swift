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
        /// Queues by what they are found by.
        var keys: [String: Set<String>] = [:]
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
        /// Invocations that events which are not over were given to.
        var deliveries: [Int64: [String]] = [:]
        var versions: [String: (content: Data, keptAt: Date)] = [:]
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
    let fault: Fault?
    /// How often functions are yet to fail, by their names.
    private let trouble = Mutex<[String: Int]>([:])

    init(fault: Fault? = nil) {
        self.fault = fault
        disk.withLock {
            $0.current.fault = fault
            $0.synced.fault = fault
        }
    }

    /// The process dies: what was not synced is lost.
    func crash() { disk.withLock { $0.current = $0.synced } }

    /// Has a function, such as `invocation(_:)`, be unavailable at its next call.
    func fail(_ function: String) { trouble.withLock { $0[function, default: 0] += 1 } }

    /// Whether what was to fail has failed.
    var hasFailed: Bool { trouble.withLock { $0.isEmpty } }

    private func checkTrouble(_ function: String) throws(EngineError) {
        let fails = trouble.withLock { trouble in
            guard let count = trouble[function] else { return false }
            trouble[function] = count > 1 ? count - 1 : nil
            return true
        }
        if fails { throw EngineError(.unavailable, "\(function) fails") }
    }

    func read<Value: Sendable>(
        _ function: String = #function, _ query: (State) throws -> Value
    ) throws(EngineError) -> Value {
        try checkTrouble(function)
        do {
            return try disk.withLock { try query($0.current) }
        } catch {
            throw EngineError(storage: error)
        }
    }

    /// Changes everything or nothing.
    func change<Value: Sendable>(
        _ epoch: Epoch, syncs: Bool = true, _ function: String = #function, _ change: (inout State) throws -> Value
    ) throws(EngineError) -> Value {
        try checkTrouble(function)
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
        _ operation: StoreOperation, quota: StoreQuota?, entry: JournalEntry, changes: [Change], at time: Date,
        epoch: Epoch
    ) async throws(EngineError) -> JournalEntry {
        try change(epoch) { state in
            for change in changes { try state.apply(change) }
            var entry = entry
            do {
                entry.outcome = try state.perform(operation, within: quota, at: time)
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
                let event = state.event(invocation.event)
                guard event?.state != .running || event?.awaits != nil else { continue }
                let isGiven = state.deliveries.contains {
                    $0.value.contains(id) && state.event($0.key)?.state == .running
                        && state.event($0.key)?.awaits == nil
                }
                if isGiven { continue }
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
                state.invocations[id]?.holdKey = nil
                state.invocations[id]?.nextAttemptAt = time.storable
                // A wait stays one, so that an answer reaches it until it has its turn.
                guard state.invocations[id]?.state != .waiting else { continue }
                state.invocations[id]?.state = .retrying
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

    func scrub(isThorough: Bool, epoch: Epoch) async throws(EngineError) -> Remnants { try change(epoch) { _ in [] } }

    func queues(of key: String) async throws(EngineError) -> [String] { try read { ($0.keys[key] ?? []).sorted() } }

    func lastWithoutKeys() async throws(EngineError) -> Int64 { 0 }

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

    static let eventSize = 4096

    func size() async throws(EngineError) -> Int { try read { $0.events.count * Self.eventSize } }

    func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError) {
        try change(epoch) { $0.cursors[name] = value }
    }
}
