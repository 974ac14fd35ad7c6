import ArgumentParser
import Conversations
import Rules

struct OptOutsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opt-outs",
        abstract: "Say whether a person may be written to, from which number, and by which word of theirs.",
        discussion: "With --out or --in, and --number, it is set on their behalf, as if they had written it now.")

    @Argument(help: "Number or e-mail address of the person.")
    var participant: String

    @Flag(help: "Don't write to them any more, or do again.")
    var wish: Wish?

    @Option(name: .long, help: "Our number that it is about.")
    var number: String?

    @Option(name: .long, help: "Why, for those who look it up.")
    var reason = "set by hand"

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    enum Wish: String, EnumerableFlag {
        case out, `in`
    }

    func validate() throws {
        if (wish == nil) != (number == nil) {
            throw ValidationError("--out or --in, and --number, belong together")
        }
    }

    func run() async throws {
        try await withAdmin(shared) { admin in
            if let wish, let number {
                try await admin.setOptOut(of: participant, from: number, to: wish == .out, reason: reason)
            }
            let entries = try await admin.optOuts(of: participant)
            if json { return try Terminal.json(entries) }
            if entries.isEmpty { Terminal.line("\(participant) never opted out.") }
            for entry in entries {
                let words = entry.isOut ? "is not written to" : "may be written to"
                Terminal.line(
                    "\(entry.participant) \(words) from \(entry.number): \"\(entry.word.visible)\" at \(entry.at)")
            }
        }
    }
}
