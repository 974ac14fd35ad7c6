import ArgumentParser
import Rules

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stop a rule, a pack's rules, or what happens at a number; without a subject, list what is paused.",
        discussion: """
            Rules of it start for no event, which is recorded as the reason. What runs under way send or change waits \
            until `tidewire resume`. It stays paused over restarts.

            With --all nothing is worked on: events are kept and wait for their turn (those older than limits.max_age \
            when it comes expire), and runs stay where they are.
            """)

    @Argument(help: "A rule (acme/photos:heart_photos), a pack (acme/photos), or a number (+15555550100).")
    var subject: String?

    @Flag(name: .long, help: "Everything.")
    var all = false

    @Option(name: .long, help: "Why, for those who wonder.")
    var reason: String?

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let subject = try pausedSubject(subject, all: all)
        try await withAdmin(shared) { admin in
            guard let subject else {
                let pauses = try await admin.standstill().pauses
                if json { return try Terminal.json(pauses) }
                if pauses.isEmpty { Terminal.line("Nothing is paused.") }
                for pause in pauses { Terminal.line(pause.line) }
                return
            }
            let pause = try await admin.pause(subject, reason: reason)
            if json { return try Terminal.json(pause) }
            Terminal.line(pause.line)
        }
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End a pause, and let what waited for it go on.")

    @Argument(help: "What was paused, as `tidewire pause` lists it.")
    var subject: String?

    @Flag(name: .long, help: "Everything, after `pause --all` or a start with --hold.")
    var all = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        guard let subject = try pausedSubject(subject, all: all) else {
            throw ValidationError("name what was paused, or give --all")
        }
        try await withAdmin(shared) { admin in
            let count = try await admin.resume(subject)
            Terminal.line("\(subject) goes on" + (count == 0 ? "" : ", and \(count) runs that waited for it"))
        }
    }
}

private func pausedSubject(_ subject: String?, all: Bool) throws -> String? {
    guard all else { return subject }
    guard subject == nil else { throw ValidationError("give a subject or --all, not both") }
    return PauseSubject.everything
}

extension PauseRecord {
    var line: String { Palette.standard.yellow("⏸ \(subject)") + " since \(since): \(reason.visible)" }
}
