public import Foundation

/// What is to be erased.
public struct Forgetting: Sendable, Hashable {
    public var queues: [String]
    /// Scopes of the rules' store.
    public var scopes: [String]
    public var at: Date
    /// How many events, and how many values, one transaction erases at most.
    public var limit: Int

    public init(queues: [String], scopes: [String], at: Date, limit: Int) {
        self.queues = queues
        self.scopes = scopes
        self.at = at
        self.limit = limit
    }
}

/// What was erased.
public struct Forgotten: Sendable, Hashable {
    public var events = 0
    public var invocations = 0
    /// Values of the rules' store.
    public var values = 0

    public init(events: Int = 0, invocations: Int = 0, values: Int = 0) {
        self.events = events
        self.invocations = invocations
        self.values = values
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
    /// Unfinished invocations are cancelled. Identities stay, so that nothing of it comes again as new, and so do the bare
    /// facts: that there was an event, when, and which rules it started. What is deleted is overwritten in the file.
    ///
    /// - Returns: How much was erased.
    /// - Throws: ``EngineError``; what was erased until then stays erased, and calling again goes on.
    @discardableResult
    public nonisolated func forget(queues: [String], scopes: [String] = []) async throws(EngineError) -> Forgotten {
        let epoch = try await ownEpoch()
        for queue in queues { try await endRuns(of: queue) }
        var total = Forgotten()
        while true {
            let forgetting = Forgetting(queues: queues, scopes: scopes, at: now().storable, limit: 200)
            let part = try await store.forget(forgetting, epoch: epoch)
            if part.isNothing { break }
            total = total + part
            for queue in queues { try await endRuns(of: queue) }
        }
        try await store.tidy()
        return total
    }

    /// Cancels what runs, which the store can't do.
    private nonisolated func endRuns(of queue: String) async throws(EngineError) {
        guard await isAtWork else { return }
        var filter = InvocationFilter()
        filter.queue = queue
        filter.states = [.running]
        filter.limit = 1000
        for invocation in try await store.invocations(filter) {
            do throws(EngineError) {
                try await cancel(invocation.id, reason: "forgotten")
            } catch {
                // It ended by itself in the meantime.
                guard error.code == .conflict || error.code == .notFound else { throw error }
            }
        }
    }
}
