public import Foundation

/// What is to be erased.
public struct Forgetting: Sendable, Hashable {
    public var queues: [String]
    /// Scopes of the rules' store.
    public var scopes: [String]
    public var at: Date
    /// How many events, and how many values, one call erases at most.
    public var limit: Int
    /// Later events stay.
    public var through: Int64
    /// Leaves events of which an invocation runs, since the run would write again what is erased.
    public var sparesRunning: Bool

    public init(
        queues: [String], scopes: [String], at: Date, limit: Int, through: Int64 = .max, sparesRunning: Bool = false
    ) {
        self.queues = queues
        self.scopes = scopes
        self.at = at
        self.limit = limit
        self.through = through
        self.sparesRunning = sparesRunning
    }
}

/// What was erased.
public struct Forgotten: Sendable, Hashable {
    public var events = 0
    public var invocations = 0
    /// Values of the rules' store.
    public var values = 0
    /// Events that were left because of ``Forgetting/sparesRunning``.
    public var running = 0
    /// Where copies may be left.
    public var remnants: Remnants = []

    public init(events: Int = 0, invocations: Int = 0, values: Int = 0, running: Int = 0) {
        self.events = events
        self.invocations = invocations
        self.values = values
        self.running = running
    }

    var isNothing: Bool { self == Forgotten() }

    static func + (left: Forgotten, right: Forgotten) -> Forgotten {
        Forgotten(
            events: left.events + right.events, invocations: left.invocations + right.invocations,
            values: left.values + right.values)
    }
}

extension Engine {
    /// Erases what is known of some queues: payloads, journals, results, log lines, and the store scopes given.
    ///
    /// Unfinished invocations are cancelled. That an identity was there stays known, so that nothing of it comes again as
    /// new, but not what it was; and so do the bare facts: that there was an event, when, and which rules it started. What
    /// is deleted is overwritten in the file. What is accepted from now on is kept as ever.
    ///
    /// - Returns: How much was erased.
    /// - Throws: ``EngineError``; what was erased until then stays erased, and calling again goes on.
    @discardableResult
    public nonisolated func forget(queues: [String], scopes: [String] = []) async throws(EngineError) -> Forgotten {
        let epoch = try await ownEpoch()
        var newest = EventFilter()
        newest.limit = 1
        var forgetting = Forgetting(queues: queues, scopes: scopes, at: now().storable, limit: 200)
        forgetting.through = try await store.events(newest).first?.sequence ?? 0
        var total = Forgotten()
        while true {
            forgetting.sparesRunning = await isAtWork
            if forgetting.sparesRunning {
                for queue in queues { try await endRuns(of: queue, through: forgetting.through) }
            }
            let part = try await store.forget(forgetting, epoch: epoch)
            if part.isNothing { break }
            total = total + part
        }
        await dropKept(of: queues)
        // Waits elsewhere that an erased event was the last hope of.
        try await progressed(queues)
        total.remnants = try await store.scrub(isThorough: true, epoch: epoch)
        return total
    }

    private func progressed(_ queues: [String]) async throws(EngineError) {
        for queue in queues { try await context?.progressed(queue) }
    }

    /// The queues of which an event had this key; see ``NewEvent/keys``.
    public nonisolated func queues(of key: String) async throws(EngineError) -> [String] {
        try await store.queues(of: key)
    }

    /// Up to this sequence events were kept without keys, by an earlier version; 0 if none were.
    public nonisolated func lastWithoutKeys() async throws(EngineError) -> Int64 { try await store.lastWithoutKeys() }

    /// Cancels what runs, which the store can't do.
    private nonisolated func endRuns(of queue: String, through last: Int64) async throws(EngineError) {
        var filter = InvocationFilter()
        filter.queue = queue
        filter.states = [.running]
        filter.limit = 1000
        for invocation in try await store.invocations(filter) where invocation.event <= last {
            do throws(EngineError) {
                let ended = try await cancel(invocation.id, reason: "forgotten")
                guard ended.state != .running else {
                    throw EngineError(
                        .unavailable, "\(ended.id) still runs while the engine stops: forget again once it is up")
                }
            } catch {
                // It ended by itself in the meantime.
                guard error.code == .conflict || error.code == .notFound else { throw error }
            }
        }
    }
}
