import ArgumentParser
import Conversations
import DurableExecution
import Foundation

struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "List rules' runs, and decide about those that wait for a person.",
        subcommands: [
            List.self, Resolve.self, Retry.self, Cancel.self, Wake.self,
        ],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List runs, newest first.")

        @Option(name: .long, help: "Only these states, separated by commas: \(InvocationState.words).")
        var state: String?

        @Option(name: .long, help: "Only this rule's, such as acme/photos:heart_photos.")
        var rule: String?

        @Option(name: .long, help: "Only this conversation's.")
        var conversation: String?

        @OptionGroup var listing: ListingOptions
        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try await withRecords(shared) { records in
                let query = ["state": state, "conversation": conversation, "rule": rule].merging(listing.query) { $1 }
                let asked = query.compactMapValues { $0 }
                try await listing.show(
                    none: "No runs.", line: \.line, mark: { "\($0.id) \($0.state) \($0.updatedAt)" },
                    fetch: { try await records.runs(asked) })
            }
        }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what became of a send or reaction whose outcome is unknown.",
            discussion: "The run was parked for that, and goes on.")

        enum Finding: String, EnumerableFlag {
            case sent, resend, notSent

            static func help(for value: Finding) -> ArgumentHelp? {
                switch value {
                case .sent: "It took place."
                case .resend: "Do it again: it did not take place, or twice does no harm."
                case .notSent: "It did not take place and shall not; the rule gets the error outcome_unknown."
                }
            }

            var word: String { self == .notSent ? "not_sent" : rawValue }
        }

        @Argument(help: "The run's id.") var id: String
        @Flag var finding: Finding
        @OptionGroup var shared: SharedOptions

        func run() async throws { try await act("resolve", on: id, ["finding": finding.word], shared) }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a run that failed, or is parked, go on where it stopped.",
            discussion: """
                It goes on with the version of the rule that is in force. What it did before stays done; if today's \
                rule would not have done the same up to there, the run is parked and the difference is shown.
                """)

        @Argument(help: "The run's id.") var id: String

        @Flag(name: .long, help: "Go on with the version that the run began with.")
        var sameVersion = false

        @Flag(
            name: .long,
            help: "Begin anew. What the run sent already is listed first, and repeated only if that is confirmed.")
        var fromStart = false

        @Flag(name: .long, help: "With --from-start: repeat messages and reactions without asking.")
        var repeating = false

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try await withAdmin(shared) { admin in
                var run = fromStart ? try await restart(admin) : try await retry(admin)
                let trace = try await admin.settled(try await admin.trace(["run": run.id]))
                run = trace.runs.first { $0.run.id == run.id }?.run ?? run
                Terminal.line(run.line)
                if run.state == "failed" || run.state == "parked" { throw ExitCode(ExitStatus.failed) }
            }
        }

        private func retry(_ admin: AdminClient) async throws -> RunRecord {
            try await admin.act("retry", on: id, ["same_version": "\(sameVersion)"])
        }

        private func restart(_ admin: AdminClient) async throws -> RunRecord {
            do {
                return try await admin.act("restart", on: id, ["repeating": "\(repeating)"])
            } catch let error as CommandError where !repeating && error.message.contains("would repeat") {
                Terminal.line(error.message)
                guard Terminal.confirms("Repeat it all?") else {
                    throw CommandError(ExitStatus.failed, "nothing was done; --repeating repeats without asking")
                }
                return try await admin.act("restart", on: id, ["repeating": "true"])
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a run for good.")

        @Argument(help: "The run's id.") var id: String
        @OptionGroup var shared: SharedOptions

        func run() async throws { try await act("cancel", on: id, [:], shared) }
    }

    struct Wake: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a wait now, as if its time were over.")

        @Argument(help: "The run's id.") var id: String
        @OptionGroup var shared: SharedOptions

        func run() async throws { try await act("wake", on: id, [:], shared) }
    }
}

private func act(_ action: String, on id: String, _ query: [String: String], _ shared: SharedOptions) async throws {
    try await withAdmin(shared) { admin in
        Terminal.line(try await admin.act(action, on: id, query).line)
    }
}

extension RunRecord {
    /// The run in a line.
    var line: String {
        let palette = Palette.standard
        let state = self.state == "finished" ? palette.green(stateText) : palette.yellow(stateText)
        let time = nextAttemptAt.map { palette.dim(self.state == "waiting" ? " until \($0)" : " next at \($0)") }
        return "\(id) #\(event) \(rule) \(state)" + (time ?? "") + kindMark
    }

    /// That it is a dry run, if it is.
    var kindMark: String { isDryRun ? " " + Palette.standard.yellow("(dry run)") : "" }

    /// The state and why: `waits for a reply at rules/x.lua:9`, `failed: …`.
    var stateText: String {
        guard let reason = reason?.visible else { return state }
        return state == "waiting" ? reason : "\(state): \(reason)"
    }
}
