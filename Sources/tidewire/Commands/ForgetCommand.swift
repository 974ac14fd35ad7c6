import ArgumentParser
import Foundation
import Rules

struct ForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Erase what is kept of a person: events, runs, logs, what rules kept, and metadata at the API.",
        discussion: """
            Their runs under way are cancelled. What can't be erased is listed: messages at the API, which has no call \
            to delete them, what they wrote in groups, and that they opted out. Backups are not touched.
            """)

    @Argument(help: "Number or e-mail address.")
    var participant: String

    @Flag(name: .long, help: "Don't ask.")
    var yes = false

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await withAdmin(shared) { admin in
            guard yes || Terminal.confirms("Erase everything about \(participant)? This can't be undone.") else {
                throw CommandError(ExitStatus.failed, "nothing was erased; --yes erases without asking")
            }
            let report = try await admin.forget(participant)
            if json { return try Terminal.json(report) }
            Terminal.line(
                "Erased of \(report.participant): \(report.events) events, \(report.invocations) runs, "
                    + "\(report.values) stored values, in \(report.conversations.count) conversations; metadata cleared "
                    + "in \(report.clearedMetadata.count).")
            for left in report.left { Terminal.line("  left: \(left.visible)") }
        }
    }
}
