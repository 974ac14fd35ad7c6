import GRDB

/// How much there is of what is not over.
public struct Census: Sendable, Hashable {
    /// Events by state; those that have ended are not counted.
    public var events: [EventState: Int] = [:]
    /// Invocations by state; those that have ended are not counted.
    public var invocations: [InvocationState: Int] = [:]

    public init() {}
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
            let invocations = try Row.fetchCursor(
                database,
                sql: """
                    SELECT state, count(*) FROM invocations WHERE state NOT IN ('finished', 'failed', 'cancelled')
                      GROUP BY state
                    """)
            while let row = try invocations.next() {
                if let state = InvocationState(rawValue: row[0]) { census.invocations[state] = row[1] }
            }
            return census
        }
    }
}
