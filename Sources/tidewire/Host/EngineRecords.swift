import DurableExecution
import Foundation
import Packs

/// Gives what the engine recorded, for queries as the tool's commands write them.
protocol RecordReader: Sendable {
    /// - Parameter query: `state` (several, separated by commas), `conversation`, `kind`, `before`, `limit`.
    func events(_ query: [String: String]) async throws -> [EventRecord]
    /// - Parameter query: `state`, `conversation`, `rule`, `before`, `limit`.
    func runs(_ query: [String: String]) async throws -> [RunRecord]
    /// - Parameter query: `event=7`, `run=inv_…`, or `identity=message:ID`.
    func trace(_ query: [String: String]) async throws -> TraceRecord
}

/// Reads them from an engine, which need not run.
struct EngineRecords: RecordReader {
    let engine: Engine
    /// Whether the host runs dry; nil where none runs.
    let isDryHost: Bool?

    func events(_ query: [String: String]) async throws -> [EventRecord] { try await all(eventPages(query)) }

    func runs(_ query: [String: String]) async throws -> [RunRecord] { try await all(runPages(query)) }

    func trace(_ query: [String: String]) async throws -> TraceRecord {
        guard let trace = TraceRecord(try await all(tracePages(query))) else {
            throw CommandError(ExitStatus.failed, "the event's trace names no event")
        }
        return trace
    }

    func eventPages(_ query: [String: String]) throws -> ListPages<EventRecord> {
        var filter = EventFilter()
        filter.states = Set(try words("state", in: query, as: EventState.self))
        filter.queue = query["conversation"]
        filter.kind = query["kind"]
        filter.before = try query["before"].map(number)
        return ListPages(limit: try limit(query)) { [engine, filter] last, limit in
            var page = filter
            page.before = last?.sequence ?? filter.before
            page.limit = limit
            return try await engine.events(page).map(EventRecord.init)
        }
    }

    func runPages(_ query: [String: String]) throws -> ListPages<RunRecord> {
        var filter = InvocationFilter()
        filter.states = Set(try words("state", in: query, as: InvocationState.self))
        filter.queue = query["conversation"]
        filter.rule = query["rule"]
        filter.before = query["before"]
        return ListPages(limit: try limit(query)) { [engine, isDryHost, filter] last, limit in
            var page = filter
            page.before = last?.id ?? filter.before
            page.limit = limit
            return try await engine.invocations(page).map { RunRecord($0, isDryHost: isDryHost) }
        }
    }

    func tracePages(_ query: [String: String]) async throws -> TracePages {
        let sequence: Int64
        if let run = query["run"] {
            guard let invocation = try await engine.invocation(run) else {
                throw EngineError(.notFound, "there is no run \(run)")
            }
            sequence = invocation.event
        } else if let identity = query["identity"] {
            guard let event = try await engine.event(identity: identity) else {
                throw EngineError(.notFound, "no event has the identity \(identity)")
            }
            sequence = event.sequence
        } else if let text = query["event"] {
            sequence = try number(text)
        } else {
            throw CommandError(ExitStatus.usage, "an event's number or a run's id is needed")
        }
        let outline = try await engine.outline(ofEvent: sequence)
        return TracePages(outline, engine: engine, isDryHost: isDryHost, isBrief: query["brief"] == "true")
    }

    private func all<Pages: AdminPages>(_ pages: Pages) async throws -> [Pages.Part] {
        var pages = pages
        var parts: [Pages.Part] = []
        while let page = try await pages.next() { parts += page }
        return parts
    }

    private func words<Word: RawRepresentable & CaseIterable>(
        _ name: String, in query: [String: String], as type: Word.Type
    ) throws -> [Word] where Word.RawValue == String {
        try (query[name] ?? "").split(separator: ",").map { text in
            guard let word = Word(rawValue: String(text)) else {
                let known = Word.allCases.map(\.rawValue)
                throw CommandError(
                    ExitStatus.usage,
                    "there is no \(name) \(text)\(NearestName.suggestion(for: String(text), among: known))")
            }
            return word
        }
    }

    private func number(_ text: String) throws -> Int64 {
        guard let number = Int64(text) else {
            throw CommandError(ExitStatus.usage, "\(text) is no event's number")
        }
        return number
    }

    private func limit(_ query: [String: String]) throws -> Int {
        guard let text = query["limit"] else { return 20 }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw CommandError(ExitStatus.usage, "limit must be 1 to 1000")
        }
        return limit
    }
}

extension EngineRecords {
    /// Reads the database of a state directory, while a host writes it or after one ended.
    ///
    /// - Throws: ``CommandError`` if there is none; ``EngineError`` if it can't be read.
    init(in state: StateDirectory) throws {
        guard FileManager.default.fileExists(atPath: state.engineDatabase) else {
            throw CommandError(
                ExitStatus.unavailable, "no host ran with the state directory \(state.path) yet: start `tidewire dev`")
        }
        engine = Engine(store: try SQLiteStore(reading: state.engineDatabase), handler: Nobody())
        isDryHost = nil
    }

    /// The handler of an engine that only answers questions.
    private struct Nobody: EventHandler {
        private static let idle = EngineFailure("this engine only reads", retryable: false)

        func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation { throw Self.idle }
        func match(_ event: Event) async throws -> Matching { throw Self.idle }
        func program(for invocation: Invocation, event: Event) async throws -> any Program { throw Self.idle }
        func perform(_ command: Command, in context: CommandContext) async throws -> Data { throw Self.idle }
    }
}

/// Gives the recorded to `body`: through the running host, or from the database if none runs.
func withRecords(_ shared: SharedOptions, _ body: (any RecordReader) async throws -> Void) async throws {
    try await reportingErrors {
        let configuration = try shared.load()
        let state = try StateDirectory.existing(at: configuration.stateDirectory)
        try await withHTTPClient { client in
            let admin = try AdminClient(state, client: client)
            if let status = try await admin.statusIfReachable {
                guard status.mode != "gateway" else {
                    throw CommandError(
                        ExitStatus.unavailable,
                        "only a gateway runs with \(state.path): name the state directory of the host that runs the "
                            + "rules with --state-directory")
                }
                try await body(admin)
            } else {
                let records = try EngineRecords(in: state)
                Terminal.error("note: no host runs with \(state.path); this is what the last one recorded")
                try await body(records)
            }
        }
    }
}

extension CaseIterable where Self: RawRepresentable<String> {
    /// All of its words, for help.
    static var words: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
