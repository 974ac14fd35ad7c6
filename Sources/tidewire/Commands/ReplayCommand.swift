import ArgumentParser

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run a past event against today's rules, and show what they would do.",
        discussion: """
            Nothing is performed: what rules send or change is answered as if it had happened, and their store is a \
            copy. With --perform the event is taken in again as a new one, for real.
            """)

    @Argument(help: "The event's number, #7 or 7.")
    var event: String

    @Flag(name: .long, help: "Do it for real, as a new event.")
    var perform = false

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await withAdmin(shared) { admin in
            let number = try eventNumber(event)
            var trace = try await admin.act("replay", onEvent: number, ["perform": "\(perform)"])
            if perform { trace = try await admin.settled(trace) }
            if json { return try Terminal.json(trace) }
            if !perform { Terminal.line(Palette.standard.dim("A rehearsal: nothing was performed.")) }
            for line in TraceLines(trace: trace).lines { Terminal.line(line) }
        }
    }
}

/// - Throws: ``CommandError``, `usage`.
func eventNumber(_ text: String) throws -> Int64 {
    guard let number = Int64(text.hasPrefix("#") ? String(text.dropFirst()) : text), number > 0 else {
        throw CommandError(ExitStatus.usage, "\(text) is no event's number; tidewire events lists them")
    }
    return number
}

extension AdminClient {
    /// Waits until nothing more happens by itself at once, for ten seconds at most.
    func settled(_ trace: TraceRecord) async throws -> TraceRecord {
        let query = ["event": String(trace.event.sequence)]
        var outline = trace
        let end = ContinuousClock.now + .seconds(10)
        while !outline.isSettled, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
            outline = try await self.trace(query.merging(["brief": "true"]) { $1 })
        }
        return try await self.trace(query)
    }
}
