import Foundation
import Logging
import Metrics
import Synchronization

/// What everybody who works for an engine needs.
struct EngineContext: Sendable {
    let store: any DurableStore
    let handler: any EventHandler
    let observer: (any EngineObserver)?
    let configuration: EngineConfiguration
    let clock: any Clock<Duration>
    let wallTime: @Sendable () -> Date
    let steadyTime: SteadyTime
    let random: @Sendable () -> Double
    let logger: Logger
    let stopping: Flag
    let epoch: Epoch
    /// When the engine began to run.
    let startedAt: Date
    let runs = RunRegistry()
    let interrupted = InterruptedRuns()
    let catchUps = CatchUps()
    let quietQueues = QuietQueues()
    let askingOrder: AskingOrder
    let kept: KeptPrograms
    let turns = QueueTurns()
    let overdueWaits = OverdueWaits()
    let breakers: Breakers
    let releases: ReleaseRegistry
    let gate: ProgramGate
    /// Set if nothing may take place.
    let rehearsal: Rehearsal?
    /// Has the engine look what can be done.
    let wake: @Sendable () -> Void
    /// Told that invocations were made due at a time.
    let becameDue: @Sendable (Date) async -> Void
    /// Tells the engine that an event's run waits for other runs, or does no longer.
    let handWaits: @Sendable (Bool) async -> Void
    /// Set once an invocation caused events, so that causes may become known late.
    let hasProduced = Flag()
    /// Set once events were held, so that later ones of their queues have to wait behind them.
    let hasHeld = Flag()

    /// The wall time as it is stored.
    var now: Date { wallTime().storable }

    /// The time by which this process counts delays that are not stored; see ``SteadyTime``.
    var steadyNow: Date { steadyTime.now }

    func observe(_ notice: EngineNotice) { observer?.observe(notice) }

    func commit(_ changes: [Change]) async throws(EngineError) {
        try await insisting { () async throws(EngineError) in try await store.write(changes, epoch: epoch) }
    }

    /// Makes ready what a process that ended left in the air.
    func recover() async throws(EngineError) {
        try await insisting { () async throws(EngineError) in try await store.recover(at: now, epoch: epoch) }
    }

    /// The event, or an invocation of it, ran to where it settled, and the process still lives.
    func survived(_ event: Int64) async throws(EngineError) {
        guard gate.isSuspect(event) else { return }
        try await commit([.survived(event: event)])
        gate.clear(event)
    }

    /// The clock was set back: invocations that retry later do so no later than they would have.
    func hastenRetries(by step: Duration) async throws(EngineError) {
        try await commit([.hastenRetries(by: step, after: now)])
    }

    /// Calls `action` until the store is available: work waits rather than losing what it just did.
    ///
    /// - Throws: What `action` throws, except `unavailable` as long as nobody wants the task to end.
    func insisting<Value: Sendable>(
        _ action: () async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        var delay = Duration.milliseconds(100)
        while true {
            do throws(EngineError) {
                return try await action()
            } catch {
                guard error.code == .unavailable, !shouldEnd else { throw error }
                logger.warning("store unavailable, trying again", metadata: ["error": "\(error)", "delay": "\(delay)"])
                try? await clock.sleep(for: delay)
                delay = min(delay * 2, .seconds(5))
            }
        }
    }

    /// Whether work should end at the next good place.
    var shouldEnd: Bool { stopping.isSet || Task.isCancelled }
}

/// Something that is set once.
final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

/// Counts for whoever collects metrics.
enum EngineMetrics {
    static func accepted(_ count: Int) { Counter(label: "tidewire_engine_events_accepted").increment(by: count) }
    static func duplicates(_ count: Int) { Counter(label: "tidewire_engine_events_duplicate").increment(by: count) }
    static func settled(_ state: InvocationState) {
        Counter(label: "tidewire_engine_invocations", dimensions: [("state", state.rawValue)]).increment()
    }
    static func ended(_ state: EventState, after duration: Duration) {
        Metrics.Timer(label: "tidewire_engine_event_duration", dimensions: [("state", state.rawValue)])
            .recordMicroseconds(duration.microseconds)
    }
}
