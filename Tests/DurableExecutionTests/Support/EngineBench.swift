import Foundation
import Logging
import Synchronization
import TestSupport

@testable import DurableExecution

/// An engine on a store in memory under a manual clock.
struct EngineBench {
    var handler = ScriptedHandler()
    var clock = ManualClock()
    /// The wall time; goes with `clock` unless it is set.
    var time: SteppedTime
    var observer = RecordingObserver()
    var configuration = EngineConfiguration()
    let store: any DurableStore
    let pauses = Pauses()
    var crashNotes: (any CrashNotes)?

    init(_ handler: ScriptedHandler = ScriptedHandler(), store: (any DurableStore)? = nil) throws {
        self.handler = handler
        self.store = try store ?? SQLiteStore.inMemory(lastSequence: 0, prepare: PlanWatch.watch)
        time = SteppedTime(clock)
        configuration.maintenanceInterval = nil
    }

    func makeEngine(on store: (any DurableStore)? = nil) -> Engine {
        Engine(
            store: store ?? self.store, handler: handler, observer: observer, configuration: configuration,
            pauses: pauses, crashNotes: crashNotes, clock: clock, now: { [time] in time.date }, random: { 1 },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs `body` while the engine runs, then has it stop.
    func run<Value: Sendable>(_ body: (Engine) async throws -> Value) async throws -> Value {
        let engine = makeEngine()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            let value = try await body(engine)
            engine.shutdown()
            try await group.waitForAll()
            return value
        }
    }

    /// Accepts events and runs until nothing more can run.
    @discardableResult
    func process(_ events: NewEvent...) async throws -> [Acceptance] { try await process(events) }

    @discardableResult
    func process(_ events: [NewEvent]) async throws -> [Acceptance] {
        try await run { engine in
            let acceptances = try await engine.accept(events)
            await engine.idle()
            return acceptances
        }
    }

    func event(
        _ identity: String, queue: String = "q", kind: String = "message", age: Duration = .zero, bytes: Int = 2
    ) -> NewEvent {
        NewEvent(
            identities: [identity], queue: queue, kind: kind, source: "webhook",
            payload: bytes == 2 ? Data("{}".utf8) : Data(repeating: 32, count: bytes),
            occurredAt: clock.date.addingTimeInterval(-(age / .seconds(1))))
    }

    func invocation(_ event: Int64 = 1, _ place: Int = 0) async throws -> Invocation? {
        try await store.invocation(InvocationID(event: event, place: place).text)
    }

    func journal(_ event: Int64 = 1, _ place: Int = 0) async throws -> [JournalEntry] {
        try await store.journal(of: InvocationID(event: event, place: place).text)
    }
}

/// Remembers notices as short sentences.
final class RecordingObserver: EngineObserver {
    private let record = Mutex<[String]>([])

    var notices: [String] { record.withLock { $0 } }

    func observe(_ notice: EngineNotice) {
        record.withLock { $0.append(Self.describe(notice)) }
    }

    private static func describe(_ notice: EngineNotice) -> String {
        switch notice {
        case .accepted(let event): "accepted \(event.sequence)"
        case .duplicate(let event, let other): "duplicate \(event.identities[0]) of \(other)"
        case .prepared(let event): "prepared \(event.sequence)"
        case .matched(let event, let matching):
            "matched \(event.sequence): \(matching.starts.map(\.rule)) not \(matching.refusals.map(\.rule))"
        case .delivered(let event, let invocation): "delivered \(event.sequence) to \(invocation.id)"
        case .started(let invocation): "started \(invocation.rule) attempt \(invocation.attempt)"
        case .command(_, let command, let position): "command \(position) \(command.name)"
        case .commandEnded(_, let command, let position, .success, _): "succeeded \(position) \(command.name)"
        case .commandEnded(_, let command, let position, .failure(let failure), _):
            "failed \(position) \(command.name): \(failure.code)"
        case .log(_, let line): "log \(line.message)"
        case .retrying(let invocation, _, let failure): "retrying \(invocation.rule): \(failure.code)"
        case .waiting(let invocation): "waiting \(invocation.rule)"
        case .parked(let invocation): "parked \(invocation.rule)"
        case .ended(let invocation, _): "ended \(invocation.rule) \(invocation.state)"
        case .held(let invocation, let hold): "held \(invocation.rule) by \(hold.key)"
        case .paused(let pause): "paused \(pause.subject)"
        case .resumed(let pause): "resumed \(pause.subject)"
        case .breakerOpened(let breaker): "breaker opened \(breaker.upstream)"
        case .breakerClosed(let breaker): "breaker closed \(breaker.upstream)"
        case .quarantined(let one): "quarantined \(one.event)"
        case .eventEnded(let event, _): "event \(event.sequence) \(event.state)"
        }
    }
}
