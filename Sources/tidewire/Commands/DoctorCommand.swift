import ArgumentParser
import Foundation

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at configuration, packs, database, disk and API, and say what is wrong and what to do.",
        discussion: "Changes nothing, and may be used while the host runs. The exit status is 1 if something is bad.")

    @Flag(name: .long, help: "Don't ask the API.")
    var offline = false

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @OptionGroup var packArguments: PackArguments
    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.load(overrides: packArguments.overrides)
            var findings: [Finding] = []
            try await withHTTPClient { client in
                findings = await Doctor(configuration: configuration, asksAPI: !offline, client: client).findings()
            }
            if json {
                try Terminal.json(findings)
            } else {
                for finding in findings { Terminal.line(Self.line(finding)) }
            }
            if findings.contains(where: { $0.grade == .bad }) { throw ExitCode(ExitStatus.failed) }
        }
    }

    private static func line(_ finding: Finding) -> String {
        let palette = Palette.standard
        let mark =
            switch finding.grade {
            case .good: palette.green("✓")
            case .notice: palette.yellow("!")
            case .bad: palette.red("✗")
            }
        return "\(mark) \(finding.subject): " + finding.message.replacing("\n", with: "\n    ")
    }
}
