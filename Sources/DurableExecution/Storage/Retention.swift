public import Foundation

/// How long what is over is kept.
public struct Retention: Sendable, Hashable {
    /// Since an event was accepted. Events with unfinished invocations stay until those have ended.
    public var events: Duration = .seconds(30 * 24 * 3600)
    /// Since an identity was learnt. Longer than sources look back: what is forgotten here would be taken for new.
    public var identities: Duration = .seconds(90 * 24 * 3600)
    /// How much the store may take; beyond that the oldest events go first, down to those with unfinished invocations.
    public var byteLimit: Int?

    public init() {}
}

/// What is to be deleted, as times before which it is too old.
public struct Pruning: Sendable, Hashable {
    /// Closed events accepted before this, with their invocations, journals and log lines.
    public var events: Date
    /// Identities learnt before this.
    public var identities: Date
    /// Values of the rules' store whose time to live ended by this.
    public var values: Date
    /// How many of each are deleted at most.
    public var limit: Int

    public init(events: Date, identities: Date, values: Date, limit: Int) {
        self.events = events
        self.identities = identities
        self.values = values
        self.limit = limit
    }
}

extension Engine {
    /// Deletes what is older than `retention`, in small commits between which others have their turn.
    ///
    /// - Returns: How many events, identities and values were deleted.
    @discardableResult
    public nonisolated func prune(_ retention: Retention = Retention()) async throws(EngineError) -> Int {
        let time = now().storable
        let pruning = Pruning(
            events: time.adding(.zero - retention.events), identities: time.adding(.zero - retention.identities),
            values: time, limit: 500)
        var total = 0
        while !Task.isCancelled {
            let count = try await store.prune(pruning, epoch: try await ownEpoch())
            guard count > 0 else { break }
            total += count
        }
        guard let limit = retention.byteLimit else { return total }
        return total + (try await prune(downTo: limit, pruning))
    }

    private nonisolated func prune(downTo byteLimit: Int, _ pruning: Pruning) async throws(EngineError) -> Int {
        var pruning = pruning
        pruning.events = now().storable.adding(.seconds(1))
        pruning.limit = 100
        var total = 0
        while !Task.isCancelled, try await store.size() > byteLimit {
            let count = try await store.prune(pruning, epoch: try await ownEpoch())
            guard count > 0 else { break }
            total += count
        }
        return total
    }
}
