import DurableExecution
import Foundation
import Synchronization

/// A point at which everything stands still for ever, as if the process had been killed there.
final class KillSwitch: Sendable {
    private struct State {
        var countdown: Int
        var deadlyPoint: String?
        var stuck: [CheckedContinuation<Void, any Error>] = []
        var isOver = false
        var watcher: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    /// - Parameter countdown: How many points are passed before the one that kills.
    init(after countdown: Int) { state = Mutex(State(countdown: countdown)) }

    /// Passes, or never returns.
    func pass(_ point: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            enum Next { case pass, die, stuck(CheckedContinuation<Void, Never>?) }
            let next: Next = state.withLock { state in
                if state.isOver { return .die }
                state.countdown -= 1
                guard state.countdown < 0 else { return .pass }
                state.deadlyPoint = state.deadlyPoint ?? point
                state.stuck.append(continuation)
                defer { state.watcher = nil }
                return .stuck(state.watcher)
            }
            switch next {
            case .pass: continuation.resume()
            case .die: continuation.resume(throwing: CancellationError())
            case .stuck(let watcher): watcher?.resume()
            }
        }
    }

    /// The point that killed, or nil.
    var deadlyPoint: String? { state.withLock { $0.deadlyPoint } }

    /// Returns once something is stuck, or all is over.
    func killed() async {
        await withCheckedContinuation { continuation in
            let isDead = state.withLock { state in
                let isDead = !state.stuck.isEmpty || state.isOver
                if !isDead { state.watcher = continuation }
                return isDead
            }
            if isDead { continuation.resume() }
        }
    }

    /// Lets whoever is stuck fail, so that their tasks end.
    func bury() {
        let (stuck, watcher) = state.withLock { state in
            state.isOver = true
            defer {
                state.stuck = []
                state.watcher = nil
            }
            return (state.stuck, state.watcher)
        }
        for continuation in stuck { continuation.resume(throwing: CancellationError()) }
        watcher?.resume()
    }
}

/// A store whose writes can stand still before or after they took place.
struct StoppingStore: DurableStore {
    let base: any DurableStore
    let killSwitch: KillSwitch

    private func guarded<Value: Sendable>(
        _ name: String, _ action: () async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        try await pass("before \(name)")
        let value = try await action()
        try await pass("after \(name)")
        return value
    }

    private func pass(_ point: String) async throws(EngineError) {
        do { try await killSwitch.pass(point) } catch { throw EngineError(.superseded, "killed") }
    }

    func takeOver() async throws(EngineError) -> Epoch { try await base.takeOver() }

    func accept(_ events: [NewEvent], at time: Date, epoch: Epoch) async throws(EngineError) -> [Acceptance] {
        try await guarded("accept") { () async throws(EngineError) in
            try await base.accept(events, at: time, epoch: epoch)
        }
    }

    func claim(
        _ identity: String, for event: Int64, at time: Date, epoch: Epoch
    ) async throws(EngineError) -> ClaimResult {
        try await guarded("claim") { () async throws(EngineError) in
            try await base.claim(identity, for: event, at: time, epoch: epoch)
        }
    }

    func write(_ changes: [Change], epoch: Epoch) async throws(EngineError) {
        try await guarded("write") { () async throws(EngineError) in try await base.write(changes, epoch: epoch) }
    }

    func perform(
        _ operation: StoreOperation, entry: JournalEntry, changes: [Change], at time: Date, epoch: Epoch
    ) async throws(EngineError) -> JournalEntry {
        try await guarded("store") { () async throws(EngineError) in
            try await base.perform(operation, entry: entry, changes: changes, at: time, epoch: epoch)
        }
    }

    func recover(at time: Date, epoch: Epoch) async throws(EngineError) {
        try await base.recover(at: time, epoch: epoch)
    }

    func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations {
        try await guarded("takeDue") { () async throws(EngineError) in
            try await base.takeDue(at: time, limit: limit, epoch: epoch)
        }
    }

    func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int {
        try await base.prune(pruning, epoch: epoch)
    }

    func release(_ key: String, at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> Int {
        try await guarded("release") { () async throws(EngineError) in
            try await base.release(key, at: time, limit: limit, epoch: epoch)
        }
    }

    func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten {
        try await guarded("forget") { () async throws(EngineError) in
            try await base.forget(forgetting, epoch: epoch)
        }
    }

    func noteCrashes(
        _ notes: [CrashNote], limit: Int, at time: Date, epoch: Epoch,
        pausing: @escaping @Sendable (_ rule: String) -> String?
    ) async throws(EngineError) -> [Quarantined] {
        try await base.noteCrashes(notes, limit: limit, at: time, epoch: epoch, pausing: pausing)
    }

    func arrange(_ sequences: [Int64], epoch: Epoch) async throws(EngineError) -> [Event] {
        try await guarded("arrange") { () async throws(EngineError) in
            try await base.arrange(sequences, epoch: epoch)
        }
    }

    func makeScratch(after sequence: Int64) throws(EngineError) -> any DurableStore {
        try base.makeScratch(after: sequence)
    }

    func producer(of identity: String) async throws(EngineError) -> String? { try await base.producer(of: identity) }

    func tidy() async throws(EngineError) { try await base.tidy() }

    func pauses() async throws(EngineError) -> [Pause] { try await base.pauses() }

    func endlessHolds() async throws(EngineError) -> [String] { try await base.endlessHolds() }

    func suspects() async throws(EngineError) -> [Int64] { try await base.suspects() }

    func size() async throws(EngineError) -> Int { try await base.size() }

    func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError) {
        try await base.setCursor(name, to: value, epoch: epoch)
    }

    func cursor(_ name: String) async throws(EngineError) -> String? { try await base.cursor(name) }

    func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data? {
        try await base.value(scope: scope, key: key, at: time)
    }

    func event(_ sequence: Int64) async throws(EngineError) -> Event? { try await base.event(sequence) }

    func event(identity: String) async throws(EngineError) -> Int64? { try await base.event(identity: identity) }

    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event] {
        try await base.openEvents(after: sequence, through: last, queue: queue, limit: limit)
    }

    func starts(of event: Int64) async throws(EngineError) -> [Invocation]? { try await base.starts(of: event) }

    func journal(of invocation: String) async throws(EngineError) -> [JournalEntry] {
        try await base.journal(of: invocation)
    }

    func waits(on queue: String) async throws(EngineError) -> WaitList { try await base.waits(on: queue) }

    func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64 {
        try await base.inboxPlace(of: invocation, in: queue)
    }

    func passedEvents(after sequence: Int64, queue: String) async throws(EngineError) -> [Event] {
        try await base.passedEvents(after: sequence, queue: queue)
    }

    func hasPending(after sequence: Int64, queue: String, by deadline: Date) async throws(EngineError) -> Bool {
        try await base.hasPending(after: sequence, queue: queue, by: deadline)
    }

    func events(_ filter: EventFilter) async throws(EngineError) -> [Event] { try await base.events(filter) }

    func invocation(_ id: String) async throws(EngineError) -> Invocation? { try await base.invocation(id) }

    func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation] {
        try await base.invocations(filter)
    }

    func refusals(of event: Int64) async throws(EngineError) -> [Refusal] { try await base.refusals(of: event) }

    func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        try await base.logs(of: invocation)
    }
}
