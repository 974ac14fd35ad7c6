public import Foundation
public import Logging

/// Takes events in, keeps them, runs what they start, and journals every command, so that nothing is lost or doubled.
public actor Engine {
    nonisolated let store: any DurableStore
    nonisolated let handler: any EventHandler
    nonisolated let observer: (any EngineObserver)?
    nonisolated let configuration: EngineConfiguration
    nonisolated let clock: any Clock<Duration>
    nonisolated let now: @Sendable () -> Date
    nonisolated let random: @Sendable () -> Double
    nonisolated let logger: Logger

    /// - Parameters:
    ///   - clock: For delays.
    ///   - now: The wall time, for what is kept.
    ///   - random: Numbers in 0..<1, for jitter.
    public init(
        store: any DurableStore, handler: any EventHandler, observer: (any EngineObserver)? = nil,
        configuration: EngineConfiguration = EngineConfiguration(), clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Date = { Date() },
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        logger: Logger = Logger(label: "tidewire.engine")
    ) {
        self.store = store
        self.handler = handler
        self.observer = observer
        self.configuration = configuration
        self.clock = clock
        self.now = now
        self.random = random
        self.logger = logger
    }

    /// Keeps events durably; returns only once they are on disk.
    ///
    /// May be called before and while ``run()`` runs.
    /// - Returns: What became of each, in order.
    public nonisolated func accept(_ events: [NewEvent]) async throws(EngineError) -> [Acceptance] {
        throw EngineError(.unavailable, "not yet written")
    }

    /// Goes on with what a process before left, then works on events until the task is cancelled.
    ///
    /// - Throws: ``EngineError`` once the store can't be trusted any more (`storeFailed`) or has another owner (`superseded`).
    public func run() async throws {}

    /// Returns once nothing can run now: every event had its turn, and what is left waits for a time, an event or a person.
    public func idle() async {}

    // MARK: Looking

    public nonisolated func event(_ sequence: Int64) async throws(EngineError) -> Event? {
        try await store.event(sequence)
    }

    public nonisolated func events(_ filter: EventFilter = EventFilter()) async throws(EngineError) -> [Event] {
        try await store.events(filter)
    }

    public nonisolated func invocation(_ id: String) async throws(EngineError) -> Invocation? {
        try await store.invocation(id)
    }

    public nonisolated func invocations(
        _ filter: InvocationFilter = InvocationFilter()
    ) async throws(EngineError) -> [Invocation] {
        try await store.invocations(filter)
    }

    /// - Throws: ``EngineError``, `notFound` if there is no such event.
    public nonisolated func trace(ofEvent sequence: Int64) async throws(EngineError) -> EventTrace {
        throw EngineError(.notFound, "not yet written")
    }

    /// - Throws: ``EngineError``, `notFound` if there is no such invocation.
    public nonisolated func trace(ofInvocation id: String) async throws(EngineError) -> InvocationTrace {
        throw EngineError(.notFound, "not yet written")
    }

    /// A durable bookmark, e.g. how far a poll came; nil if it was never set.
    public nonisolated func cursor(_ name: String) async throws(EngineError) -> String? {
        try await store.cursor(name)
    }

    /// Sets a durable bookmark; nil removes it. Returns once it is on disk.
    public nonisolated func setCursor(_ name: String, to value: String?) async throws(EngineError) {
        throw EngineError(.unavailable, "not yet written")
    }
}
