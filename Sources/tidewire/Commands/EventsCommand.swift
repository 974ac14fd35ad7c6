import ArgumentParser
import Conversations
import Foundation

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List what came in, newest first.")

    @Option(
        name: .long, help: "Only these states, separated by commas: pending, running, done, duplicate, expired, failed."
    )
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
            let events = try await records.events(query.compactMapValues { $0 })
            if listing.json { return try Terminal.json(events) }
            if events.isEmpty { Terminal.line("No events.") }
            for event in events { Terminal.line(Self.line(event)) }
        }
    }

    private static func line(_ event: EventRecord) -> String {
        let palette = Palette.standard
        let content = event.content
        let text = content["message"]?["body"]?.string ?? content["reaction"]?["reaction_type"]?.string ?? ""
        let note = event.note.map { ": \($0)" } ?? ""
        let state = event.state == "done" ? palette.green(event.state) : palette.yellow(event.state + note)
        let head = "#\(event.sequence) \(event.acceptedAt) \(event.kind) in \(event.conversation) by \(event.source)"
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
