import Conversations
import DurableExecution
import Foundation
import Hummingbird
import NIOCore
import Rules

/// One line of a streamed answer: a part of it, why it breaks off, or that it is whole.
struct AdminStreamLine<Part: Codable & Sendable>: Codable, Sendable {
    var part: Part?
    var error: String?
    var isWhole: Bool?
}

/// Gives an answer in pages, so that it takes little memory whatever its size.
protocol AdminPages: Sendable {
    associatedtype Part: Codable & Sendable

    /// - Returns: Nil after the last page.
    mutating func next() async throws -> [Part]?
}

extension AdminServer {
    /// Streams an answer, a line of JSON for each part. The first page comes before the status, so that what is wrong with
    /// the question is answered as such.
    func stream<Pages: AdminPages>(_ make: () async throws -> Pages) async throws -> Response {
        try await respond {
            var pages = try await make()
            let first = try await pages.next()
            return Response(
                status: .ok, headers: [.contentType: "application/x-ndjson"],
                body: Self.body(first: first, then: pages))
        }
    }

    private static func body<Pages: AdminPages>(first: [Pages.Part]?, then rest: Pages) -> ResponseBody {
        ResponseBody { writer in
            var pages = rest
            var page = first
            do {
                while let parts = page {
                    for part in parts { try await writer.write(line(AdminStreamLine(part: part))) }
                    page = try await pages.next()
                }
                try await writer.write(line(AdminStreamLine<Pages.Part>(isWhole: true)))
            } catch let error as EngineError {
                try await writer.write(line(AdminStreamLine<Pages.Part>(error: error.message)))
            }
            try await writer.finish(nil)
        }
    }

    private static func line(_ line: some Encodable) throws -> ByteBuffer {
        var buffer = ByteBuffer(bytes: try JSON.encode(line))
        buffer.writeString("\n")
        return buffer
    }
}

/// A list, in pages of so many records.
struct ListPages<Record: Codable & Sendable>: AdminPages {
    private static var pageSize: Int { 50 }

    /// Gives at most so many records after the last one seen.
    let fetch: @Sendable (_ last: Record?, _ limit: Int) async throws -> [Record]
    /// How many are still to come at most.
    var left: Int
    private var last: Record?
    private var isOver = false

    init(limit: Int, fetch: @escaping @Sendable (_ last: Record?, _ limit: Int) async throws -> [Record]) {
        self.fetch = fetch
        left = limit
    }

    mutating func next() async throws -> [Record]? {
        let size = min(left, Self.pageSize)
        guard !isOver, size > 0 else { return nil }
        let page = try await fetch(last, size)
        left -= page.count
        last = page.last
        isOver = page.count < size
        return page
    }
}

/// A part of a trace. A run is followed by its log lines and commands.
struct TracePart: Codable, Sendable {
    var event: EventRecord?
    var refused: TraceRecord.Refused?
    var run: RunRecord?
    var command: CommandRecord?
    var log: LogRecord?
}

/// A trace: what is known of the event, then run by run, its journal in pages.
struct TracePages: AdminPages {
    private let engine: Engine
    private let isDryHost: Bool?
    private var head: [TracePart]
    /// The first is the one whose journal is next.
    private var runs: [Invocation]
    private var position = 0

    /// - Parameter isBrief: Whether runs come without what they did.
    init(_ trace: EventTrace, engine: Engine, isDryHost: Bool?, isBrief: Bool) {
        self.engine = engine
        self.isDryHost = isDryHost
        let outline = TraceRecord(trace, isDryHost: isDryHost).parts
        head = isBrief ? outline : outline.filter { $0.run == nil }
        runs = isBrief ? [] : trace.invocations.map(\.invocation)
    }

    mutating func next() async throws -> [TracePart]? {
        if !head.isEmpty {
            defer { head = [] }
            return head
        }
        guard let run = runs.first else { return nil }
        var parts: [TracePart] = []
        if position == 0 {
            parts = [TracePart(run: RunRecord(run, isDryHost: isDryHost))]
            parts += try await engine.logs(of: run.id).map { TracePart(log: LogRecord($0)) }
        }
        let entries = try await engine.journal(of: run.id, from: position)
        if let last = entries.last {
            position = last.position + 1
        } else {
            runs.removeFirst()
            position = 0
        }
        return parts + entries.map { TracePart(command: CommandRecord($0)) }
    }
}

/// A trace that is in memory: a rehearsal's, which is kept nowhere.
struct RehearsedPages: AdminPages {
    private var parts: [TracePart]?

    init(_ trace: EventTrace, isDryHost: Bool?) {
        parts = TraceRecord(trace, isDryHost: isDryHost).parts
    }

    mutating func next() async throws -> [TracePart]? {
        defer { parts = nil }
        return parts
    }
}

extension TraceRecord {
    /// - Parameter isDryHost: Whether the host runs dry; nil where none runs.
    init(_ trace: EventTrace, isDryHost: Bool? = nil) {
        event = EventRecord(trace.event)
        refused = trace.refusals.map { Refused(rule: $0.rule, reason: $0.reason) }
        runs = trace.invocations.map { run in
            Run(
                run: RunRecord(run.invocation, isDryHost: isDryHost), commands: run.entries.map(CommandRecord.init),
                logs: run.logs.map(LogRecord.init))
        }
    }

    /// As it is streamed.
    fileprivate var parts: [TracePart] {
        [TracePart(event: event)] + refused.map { TracePart(refused: $0) }
            + runs.flatMap { run in
                [TracePart(run: run.run)] + run.logs.map { TracePart(log: $0) }
                    + run.commands.map { TracePart(command: $0) }
            }
    }

    /// Puts parts together again.
    ///
    /// - Returns: Nil where no part names the event.
    init?(_ parts: [TracePart]) {
        guard let event = parts.lazy.compactMap(\.event).first else { return nil }
        self.event = event
        refused = []
        runs = []
        for part in parts {
            if let one = part.refused { refused.append(one) }
            if let run = part.run { runs.append(Run(run: run, commands: [], logs: [])) }
            guard let index = runs.indices.last else { continue }
            if let command = part.command { runs[index].commands.append(command) }
            if let log = part.log { runs[index].logs.append(log) }
        }
    }
}
