import ArgumentParser
import DurableExecution
import Foundation

/// Measures what rules cost the host: matching with few and many of them, loops of waits, and waiting runs in memory.
struct RulesBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Measures rules: matching with 10 to 10,000 of them, a loop of waits, memory of waiting runs.")

    @Option(help: "Events for each number of rules.")
    var events = 400

    @Option(help: "Rounds of the loop of waits.")
    var rounds = 2_000

    @Option(help: "Runs that wait.")
    var waiting = 100_000

    func validate() throws {
        guard events > 0, rounds >= 4, waiting > 0 else { throw ValidationError("counts have to be above 0") }
    }

    func run() async throws {
        try await measureMatching()
        try await measureLoop()
        try await measureKept()
    }

    private func report(_ what: String, _ figure: String, _ comparison: String = "") {
        let columns = [what.padding(toLength: 44, withPad: " ", startingAt: 0), figure, comparison]
        print(columns.filter { !$0.isEmpty }.joined(separator: "  "))
    }

    private func microseconds(_ duration: Duration) -> String { "\(Int(duration / .microseconds(1))) µs" }

    /// Events of which one rule of many is for: from acceptance to the end.
    private func measureMatching() async throws {
        var first: (time: Duration, bytes: Int)?
        for count in [10, 1_000, 10_000] {
            let scene = try await RulesScene(rules: RulesScene.manyRules(count))
            let cost = try await scene.run { engine -> (time: Duration, bytes: Int) in
                try await scene.accept(50, from: 0, by: engine)
                await engine.idle()
                let before = try await scene.store.size()
                let time = try await EngineScene.time {
                    try await scene.accept(events, from: 50, by: engine)
                    await engine.idle()
                }
                return (time / events, (try await scene.store.size() - before) / events)
            }
            let ratio = first.map { String(format: "%.2f times that of 10 rules", cost.time / $0.time) }
            report(
                "an event, one of \(count) rules is for it", microseconds(cost.time),
                [ratio ?? "", "\(cost.bytes) bytes kept"].filter { !$0.isEmpty }.joined(separator: "; "))
            first = first ?? cost
        }
    }

    /// A rule that tags, sleeps and goes round again; the last quarter of its rounds beside the first.
    private func measureLoop() async throws {
        for isKept in [true, false] {
            let rounds = isKept ? rounds : min(rounds, 400)
            let scene = try await RulesScene(rules: [
                "loop": """
                return { on = "message", run = function()
                  for i = 1, \(rounds) do store.set("n", i) sleep(0.001) end
                end }
                """
            ])
            let times = try await scene.run(keeping: isKept ? nil : 0) { engine in
                try await scene.accept(1, from: 0, by: engine)
                return try await scene.quarters(of: rounds)
            }
            let ratio = String(format: "%.2f", times[3] / times[0])
            report(
                "a round of a loop of \(rounds) waits, \(isKept ? "kept" : "rebuilt at each")",
                microseconds(times[3] / (rounds / 4)), "\(ratio) times the first quarter's")
        }
    }

    /// What runs that wait take, within the budget.
    private func measureKept() async throws {
        let folder = try EngineScene.Folder(in: FileManager.default.temporaryDirectory.path)
        defer { folder.remove() }
        let scene = try await RulesScene(
            rules: ["wait": "return { on = \"message\", run = function(m) sleep(86400) m.conversation:typing() end }"],
            database: folder.database("waiting"))
        try await scene.run { engine in
            try await scene.accept(100, from: 0, by: engine)
            await engine.idle()
            let empty = EngineScene.residentBytes()
            try await scene.accept(400, from: 100, by: engine)
            await engine.idle()
            let some = EngineScene.residentBytes()
            report("memory for a waiting run that is kept", "\((some - empty) / 400) bytes")
            try await scene.accept(waiting, from: 1_000, by: engine)
            await engine.idle()
            let all = EngineScene.residentBytes()
            report(
                "memory for \(waiting) waiting runs", "\((all - empty) >> 20) MB",
                "\((all - empty) / waiting) bytes each")
        }
    }
}
