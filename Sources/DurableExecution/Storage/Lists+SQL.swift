import GRDB

/// Lists, newest first. Each is read along an index that holds little else than what is asked for, which is named rather
/// than left to SQLite: its planner has no statistics, and takes an index that sorts for one that finds.
///
/// States are listed by group, since no index holds all of them: what is open or wants a look is rare, what is done is
/// nearly everything.
extension Event {
    private enum Group: CaseIterable {
        case open, unusual, done

        static func of(_ state: EventState) -> Group {
            switch state {
            case .pending, .running: .open
            case .done: .done
            default: .unusual
            }
        }
    }

    static func list(_ filter: EventFilter, in database: Database) throws -> [Event] {
        guard !filter.states.isEmpty, filter.queue == nil else { return try list(filter, of: nil, in: database) }
        let groups = Dictionary(grouping: filter.states, by: Group.of)
        let lists = try groups.map { group, states in
            var filter = filter
            filter.states = Set(states)
            return try list(filter, of: group, in: database)
        }
        guard lists.count > 1 else { return lists.first ?? [] }
        return Array(lists.joined().sorted { $0.sequence > $1.sequence }.prefix(filter.limit))
    }

    private static func list(_ filter: EventFilter, of group: Group?, in database: Database) throws -> [Event] {
        var conditions = Conditions()
        switch group {
        case .open: conditions.use("events_open", where: "state IN ('pending', 'running')")
        case .unusual: conditions.use("events_unusual", where: "state NOT IN ('pending', 'running', 'done')")
        case _ where filter.queue != nil: conditions.use("events_by_queue")
        case _ where filter.kind != nil: conditions.use("events_by_kind")
        default: break
        }
        conditions.add("state", in: filter.states.map(\.rawValue))
        conditions.add("queue = ?", filter.queue)
        conditions.add("kind = ?", filter.kind)
        conditions.add("sequence < ?", filter.before)
        return try fetch(
            database, "\(conditions.sql) ORDER BY sequence DESC LIMIT ?", conditions.arguments + [filter.limit])
    }
}

extension Invocation {
    private enum Group: CaseIterable {
        case unended, unsuccessful, finished

        static func of(_ state: InvocationState) -> Group {
            if !state.isEnded { return .unended }
            return state == .finished ? .finished : .unsuccessful
        }
    }

    static func list(_ filter: InvocationFilter, in database: Database) throws -> [Invocation] {
        guard !filter.states.isEmpty, filter.event == nil else { return try list(filter, of: nil, in: database) }
        let groups = Dictionary(grouping: filter.states, by: Group.of)
        let lists = try groups.map { group, states in
            var filter = filter
            filter.states = Set(states)
            return try list(filter, of: group, in: database)
        }
        guard lists.count > 1 else { return lists.first ?? [] }
        return Array(lists.joined().sorted { $0.id > $1.id }.prefix(filter.limit))
    }

    private static func list(
        _ filter: InvocationFilter, of group: Group?, in database: Database
    ) throws -> [Invocation] {
        let unended = "state NOT IN ('finished', 'failed', 'cancelled')"
        var conditions = Conditions()
        switch group {
        case _ where filter.event != nil: conditions.use("invocations_by_event")
        case .unended where filter.queue != nil: conditions.use("invocations_live", where: unended)
        case .unended: conditions.use("invocations_unended", where: unended)
        case _ where filter.queue != nil: conditions.use("invocations_by_queue")
        case .unsuccessful: conditions.use("invocations_unsuccessful", where: "state IN ('failed', 'cancelled')")
        case _ where filter.rule != nil: conditions.use("invocations_by_rule")
        default: break
        }
        conditions.add("state", in: filter.states.map(\.rawValue))
        conditions.add("queue = ?", filter.queue)
        conditions.add("rule = ?", filter.rule)
        conditions.add("event = ?", filter.event)
        conditions.add("number < ?", try filter.before.map(InvocationID.number(of:)))
        return try fetch(
            database, "\(conditions.sql) ORDER BY number DESC LIMIT ?", conditions.arguments + [filter.limit])
    }
}

/// What follows a table's name: the index to use and a WHERE clause, with the values that belong to it.
private struct Conditions {
    private var index: String?
    private var clauses: [String] = []
    private(set) var arguments: StatementArguments = []

    var sql: String {
        (index.map { "INDEXED BY \($0) " } ?? "")
            + (clauses.isEmpty ? "" : "WHERE " + clauses.joined(separator: " AND "))
    }

    /// - Parameter condition: The literal words by which SQLite knows that a partial index holds what is asked for.
    mutating func use(_ index: String, where condition: String? = nil) {
        self.index = index
        if let condition { clauses.append(condition) }
    }

    mutating func add(_ clause: String, _ value: (some DatabaseValueConvertible)?) {
        guard let value else { return }
        clauses.append(clause)
        arguments += [value]
    }

    /// Adds nothing if `values` is empty.
    mutating func add(_ column: String, in values: [String]) {
        guard !values.isEmpty else { return }
        clauses.append("\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
        arguments += StatementArguments(values.sorted())
    }
}
