import GRDB

/// How much there is of what is not over.
public struct Census: Sendable, Hashable {
    /// Events by state; those that have ended are not counted.
    public var events: [EventState: Int] = [:]
    /// Invocations by state; those that have ended are not counted.
    public var invocations: [InvocationState: Int] = [:]
    /// How many of these invocations are dry.
    public var dryInvocations = 0

    public init() {}
}

extension Census {
    /// How many invocations are not over that a host, dry or not, holds because they are of the other kind.
    public func invocations(notOf isDryHost: Bool) -> Int {
        isDryHost ? invocations.values.reduce(0, +) - dryInvocations : dryInvocations
    }
}

extension SQLiteStore {
    /// Counts what is open, from indexes that hold nothing else.
    public func census() async throws(EngineError) -> Census {
        try await read { database in
            var census = Census()
            let events = try Row.fetchCursor(
                database,
                sql: "SELECT state, count(*) FROM events WHERE state IN ('pending', 'running') GROUP BY state")
            while let row = try events.next() {
                if let state = EventState(rawValue: row[0]) { census.events[state] = row[1] }
            }
            let held = try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM events INDEXED BY events_held WHERE awaits IS NOT NULL AND state = 'held'")
            if let held, held > 0 { census.events[.held] = held }
            let invocations = try Row.fetchCursor(
                database,
                sql: """
                    SELECT state, count(*) FROM invocations WHERE state NOT IN ('finished', 'failed', 'cancelled')
                      GROUP BY state
                    """)
            while let row = try invocations.next() {
                if let state = InvocationState(rawValue: row[0]) { census.invocations[state] = row[1] }
            }
            census.dryInvocations =
                try Int.fetchOne(
                    database,
                    sql: """
                        SELECT count(*) FROM invocations
                        WHERE dry = 1 AND state NOT IN ('finished', 'failed', 'cancelled')
                        """) ?? 0
            return census
        }
    }
}
