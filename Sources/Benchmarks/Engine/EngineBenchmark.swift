import ArgumentParser
import DurableExecution
import Foundation

/// Measures the durable engine on SQLite files, every commit synced.
struct EngineBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Measures the durable engine: rates, waiting invocations, replay, restart.")

    @Option(help: "Events for each rate.")
    var events = 30_000

    @Option(help: "Invocations that wait, and events that are pending at a restart.")
    var waiting = 100_000

    @Option(help: "Conversations that wait for an upstream, and waits that are due at once.")
    var postponed = 10_000

    @Option(help: "Commands in a journal that is replayed.")
    var commands = 1_000

    @Option(help: "Where the databases are made; on the disk to be measured, not in memory.")
    var folder = FileManager.default.temporaryDirectory.path

    @Option(help: "Events worked on at once where they have commands; the engine's default if not given.")
    var parallelism: Int?

    @Option(help: .hidden)
    var resident: String?

    func validate() throws {
        guard events > 0, waiting > 0, commands > 0, postponed > 0 else {
            throw ValidationError("counts have to be above 0")
        }
    }

    func run() async throws {
        if let resident { return try await printResidentBytes(on: resident) }
        let bench = try EngineScene.Folder(in: folder)
        defer { bench.remove() }
        try await measureDeadlines()
        try await measureOutage(bench)
        try await measureDueWaits(bench)
        try await measureCommits(bench)
        try await measureRates(bench)
        try await measureReplay(bench)
        try await measureWaiting(bench)
        try await measureRestart(bench)
    }

    /// Prints a line: what was measured, the figure, and what it is to be compared with.
    func report(_ what: String, _ figure: String, _ comparison: String = "") {
        let columns = [what.padding(toLength: 60, withPad: " ", startingAt: 0), figure, comparison]
        print(columns.filter { !$0.isEmpty }.joined(separator: "  "))
    }

    func rate(_ count: Int, in duration: Duration) -> Double { Double(count) / (duration / .seconds(1)) }

    func perSecond(_ rate: Double) -> String { "\(Int(rate.rounded()))/s" }

    func milliseconds(_ duration: Duration) -> String {
        String(format: "%.1f ms", duration / .milliseconds(1))
    }
}
