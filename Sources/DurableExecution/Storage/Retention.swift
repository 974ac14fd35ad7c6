public import Foundation

/// How long what is over is kept.
public struct Retention: Sendable, Hashable {
    /// Since an event was accepted. Events with unfinished invocations stay until those have ended.
    public var events: Duration = .seconds(30 * 24 * 3600)
    /// Since an identity was learnt. Longer than sources look back: what is forgotten here would be taken for new.
    public var identities: Duration = .seconds(90 * 24 * 3600)
    /// How much the store may take; beyond that the oldest events go first, down to what unfinished invocations may need.
    public var byteLimit: Int?

    public init() {}
}

/// What is to be deleted, as times before which it is too old.
///
/// What an unfinished invocation may still need stays, however old: its event, and what came in its queues since.
public struct Pruning: Sendable, Hashable {
    /// Closed events accepted before this, with their invocations, journals and log lines.
    public var events: Date
    /// Identities learnt before this.
    public var identities: Date
    /// Values of the rules' store whose time to live ended by this.
    public var values: Date
    /// How many are looked at, at once, at most.
    public var limit: Int
    /// Events are deleted only while the store takes more bytes than this; nil: however much it takes.
    public var size: Int?

    public init(events: Date, identities: Date, values: Date, limit: Int, size: Int? = nil) {
        self.events = events
        self.identities = identities
        self.values = values
        self.limit = limit
        self.size = size
    }
}

extension Engine {
    /// Deletes what is older than `retention`, in small commits between which others have their turn.
    ///
    /// - Returns: How many events, identities and values were deleted.
    @discardableResult
    public nonisolated func prune(_ retention: Retention = Retention()) async throws(EngineError) -> Int {
        let time = now().storable
        var pruning = Pruning(
            events: time.adding(.zero - retention.events), identities: time.adding(.zero - retention.identities),
            values: time, limit: 500)
        let old = try await store.prune(pruning, epoch: try await ownEpoch())
        guard let limit = retention.byteLimit else { return old }
        pruning.events = time.adding(.seconds(1))
        pruning.limit = 100
        pruning.size = limit
        return old + (try await store.prune(pruning, epoch: try await ownEpoch()))
    }
}
