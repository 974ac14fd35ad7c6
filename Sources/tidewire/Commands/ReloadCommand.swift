import ArgumentParser
import Conversations
import Foundation

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running host read its packs again now.",
        discussion: """
            Saving a file does this by itself. A pack with problems stays in force as it was, and the exit status is 1.
            """)

    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.load()
            let state = try StateDirectory.existing(at: configuration.stateDirectory)
            try await withHTTPClient { client in
                let outcomes = try await AdminClient(state, client: client).reload()
                if json {
                    Terminal.line(String(decoding: try JSON.encode(outcomes), as: UTF8.self))
                } else {
                    for outcome in outcomes { Self.print(outcome) }
                }
                if outcomes.contains(where: { !$0.isGood }) { throw ExitCode(ExitStatus.failed) }
            }
        }
    }

    private static func print(_ reload: AdminReload) {
        let palette = Palette.standard
        guard reload.isGood else {
            let rest =
                reload.pack.map { "\($0) goes on as it was" }
                ?? "no rule of it runs, and events wait for it"
            Terminal.line(palette.red("✗ \(reload.folder): \(rest)"))
            for problem in reload.problems { Terminal.line("  " + problem.replacing("\n", with: "\n  ")) }
            return
        }
        Terminal.line(
            palette.green("✓ ") + "\(reload.pack ?? reload.folder) \(reload.outcome), \(reload.rules.count) rules")
    }
}
