import ArgumentParser
import Conversations
import Foundation
import Packs
import Rules

extension ExitStatus {
    /// A limit stopped the script of `check --run`.
    static let stopped: Int32 = 3
    static let noInput: Int32 = 66
}

/// `check --run`: one script, run by hand under the limits of rules.
struct ScriptCheck {
    private let file: String
    private let limits: RuleLimits
    private let json: Bool

    /// What is read of a script: what loading takes, and one byte more, so that loading sees that it is too much.
    private static let byteLimit = PackFolder.fileByteLimit + 1

    init(file: String, _ limits: TidewireConfiguration.Limits, json: Bool) {
        self.file = file
        self.limits = limits.rules
        self.json = json
    }

    /// Prints what came of it, and ends with its status.
    func run() async throws {
        let text = try read()
        let report = try await ScriptTrial(limits: limits).run(text, name: file == "-" ? "stdin" : file, in: try pack())
        if json {
            Terminal.line(String(decoding: try JSON.encode(ScriptResult(file, report)), as: UTF8.self))
        } else {
            print(report)
        }
        switch report.outcome {
        case .finished: return
        case .failed: throw ExitCode(ExitStatus.failed)
        case .stopped: throw ExitCode(ExitStatus.stopped)
        }
    }

    private func read() throws -> String {
        do {
            let handle = try file == "-" ? .standardInput : FileHandle(forReadingFrom: URL(filePath: file))
            return String(decoding: try handle.read(upToCount: Self.byteLimit) ?? Data(), as: UTF8.self)
        } catch {
            throw CommandError(ExitStatus.noInput, "\(file) can't be read")
        }
    }

    /// The pack in whose `rules` folder the script lies.
    private func pack() throws -> Pack? {
        let folder = URL(filePath: file).standardizedFileURL.deletingLastPathComponent()
        guard file != "-", folder.lastPathComponent == "rules" else { return nil }
        return try PackFolder(folder.deletingLastPathComponent()).read()
    }

    private func print(_ report: ScriptReport) {
        let palette = Palette.standard
        let cost =
            "\(milliseconds(report.cpuTime)) of processor time, \(milliseconds(report.time)) in all, "
            + "\(report.memoryBytes / 1024) KiB of memory at most"
        switch report.outcome {
        case .finished: Terminal.line(palette.green("✓ ") + "finished: \(cost)")
        case .failed: Terminal.line(palette.red("✗ ") + "failed: \(cost)")
        case .stopped: Terminal.line(palette.red("✗ ") + "stopped by \(report.limit ?? "a limit"): \(cost)")
        }
        if let message = report.message { Terminal.line(message.visible) }
        if let details = report.details { Terminal.line(details) }
        for result in report.results { Terminal.line("    returned \(result.visible)") }
        for line in report.logs { Terminal.line("    " + palette.dim(line.visible)) }
        for command in report.commands {
            let place = command.location.map { palette.dim("  \($0)") } ?? ""
            Terminal.line("    \(command.name) \(command.input.visible)\(place)")
        }
        let more = report.commandCount - report.commands.count
        if more > 0 { Terminal.line("    … and \(more) commands more") }
    }

    private func milliseconds(_ time: Duration) -> String {
        time.formatted(.units(allowed: [.milliseconds], fractionalPart: .show(length: 1)))
    }
}

/// What `check --run --json` prints.
private struct ScriptResult: Codable {
    var file: String
    var outcome: ScriptReport.Outcome
    var limit: String?
    var message: String?
    var details: String?
    var cpuMilliseconds: Double
    var milliseconds: Double
    var memoryBytes: Int
    var commands: [ScriptReport.Command]
    var commandCount: Int
    var results: [String]
    var logs: [String]

    private enum CodingKeys: String, CodingKey {
        case file, outcome, limit, message, details, milliseconds, commands, results, logs
        case cpuMilliseconds = "cpu_milliseconds"
        case memoryBytes = "memory_bytes"
        case commandCount = "command_count"
    }

    init(_ file: String, _ report: ScriptReport) {
        self.file = file
        outcome = report.outcome
        limit = report.limit
        message = report.message
        details = report.details
        cpuMilliseconds = report.cpuTime / .milliseconds(1)
        milliseconds = report.time / .milliseconds(1)
        memoryBytes = report.memoryBytes
        commands = report.commands
        commandCount = report.commandCount
        results = report.results
        logs = report.logs
    }
}
