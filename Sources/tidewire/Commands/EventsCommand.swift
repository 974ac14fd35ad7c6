import ArgumentParser
import Conversations
import DurableExecution
import Foundation

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List what came in, newest first, and give failed events another turn.",
        subcommands: [List.self, Retry.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List events, newest first.")

        @Option(name: .long, help: "Only these states, separated by commas: \(EventState.words).")
        var state: String?

        @Option(name: .long, help: "Only this conversation's.")
        var conversation: String?

        @Option(name: .long, help: "Only message, reaction or call_ended.")
        var kind: String?

        @OptionGroup var listing: ListingOptions
        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try await withRecords(shared) { records in
                let query = ["state": state, "conversation": conversation, "kind": kind].merging(listing.query) { $1 }
                let asked = query.compactMapValues { $0 }
                try await listing.show(
                    none: "No events.", line: \.line, mark: { "\($0.sequence) \($0.state)" },
                    fetch: { try await records.events(asked) })
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an event that failed, expired, was held or was quarantined its turn again.")

        @Argument(help: "The event's number, #7 or 7.")
        var event: String

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try await withAdmin(shared) { admin in
                let trace = try await admin.act("retry", onEvent: try eventNumber(event))
                for line in TraceLines(trace: try await admin.settled(trace)).lines { Terminal.line(line) }
            }
        }
    }
}

extension EventRecord {
    /// The event in a line.
    var line: String {
        let palette = Palette.standard
        let text = content["message"]?["body"]?.string ?? content["reaction"]?["reaction_type"]?.string ?? ""
        let note = self.note.map { ": \($0)" } ?? ""
        let state = self.state == "done" ? palette.green(state) : palette.yellow(state + note)
        let head = "#\(sequence) \(acceptedAt) \(kind) in \(conversation) by \(source)"
        return "\(head) \(state) \(palette.dim(String(text.prefix(60)).visible))"
    }
}

/// Options of commands that list.
struct ListingOptions: ParsableArguments {
    @Option(name: .long, help: "How many, 1 to 1000.")
    var limit = 20

    @Option(name: .long, help: "Only what came before this one: the next page.")
    var before: String?

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @Flag(name: .long, help: "Go on and print what is new or changes, oldest first, until interrupted.")
    var follow = false

    /// Prints what `fetch` gives, newest first, and with ``follow`` what is new each half second.
    ///
    /// - Parameter mark: Changes when the record is worth printing again.
    func show<Record: Encodable>(
        none: String, line: (Record) -> String, mark: (Record) -> String, fetch: () async throws -> [Record]
    ) async throws {
        var records = try await fetch()
        guard follow else {
            if json { return try Terminal.json(records) }
            if records.isEmpty { Terminal.line(none) }
            for record in records { Terminal.line(line(record)) }
            return
        }
        var known: Set<String> = []
        while !Task.isCancelled {
            for record in records.reversed() where known.insert(mark(record)).inserted {
                if json { try Terminal.json(record) } else { Terminal.line(line(record)) }
            }
            // What left the page is not asked for again.
            known.formIntersection(records.map(mark))
            try await Task.sleep(for: .milliseconds(500))
            records = try await fetch()
        }
    }

    var query: [String: String?] { ["limit": String(limit), "before": before] }
}

/// Gives the running process to `body`.
func withAdmin(_ shared: SharedOptions, _ body: (AdminClient) async throws -> Void) async throws {
    try await reportingErrors {
        let configuration = try shared.load()
        let state = try StateDirectory.existing(at: configuration.stateDirectory)
        try await withHTTPClient { client in
            try await body(try AdminClient(state, client: client))
        }
    }
}

extension Terminal {
    static func json(_ value: some Encodable) throws {
        line(String(decoding: try JSON.encode(value), as: UTF8.self))
    }
}
