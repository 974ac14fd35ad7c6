import ArgumentParser
import Conversations
import Foundation
import Packs
import Rules

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read packs as the host would, and say what is wrong with them.",
        discussion: """
            Nothing runs and nothing is changed. The exit status is 1 if there are problems.

            With --run, one script is run by hand under the limits that rules have. The file holds the body of a rule's \
            `run`, or a whole rule; modules of the pack that it lies in can be required. It gets a sample event. \
            Commands are listed, not performed, and answered as an API would that holds nothing. Exit status: 0 it \
            finished, 1 it failed, 3 a limit stopped it, 66 the file can't be read.
            """)

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("Run this script under the limits of rules; - reads standard input.", valueName: "file"))
    var script: String?

    @OptionGroup var packArguments: PackArguments
    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.load(overrides: packArguments.overrides)
            if let script { return try await ScriptCheck(file: script, configuration.limits, json: json).run() }
            guard !configuration.packs.isEmpty else {
                throw CommandError(
                    ExitStatus.usage, "no pack is named: give a pack's folder, or `packs:` in tidewire.yaml")
            }
            let loader = PackLoader()
            var results: [CheckResult] = []
            for path in configuration.packs {
                results.append(await check(path, with: loader))
            }
            if json {
                Terminal.line(String(decoding: try JSON.encode(results), as: UTF8.self))
            } else {
                for result in results { result.print() }
            }
            if results.contains(where: { !$0.problems.isEmpty }) { throw ExitCode(ExitStatus.failed) }
        }
    }

    private func check(_ path: String, with loader: PackLoader) async -> CheckResult {
        do {
            let pack = try await loader.load(PackFolder(URL(filePath: path, directoryHint: .isDirectory)))
            guard !pack.rules.isEmpty else {
                let problem = RuleProblem(file: path, message: "holds no rules: they belong in \(path)/rules/NAME.lua")
                return CheckResult(folder: path, rules: [], problems: [CheckResult.Problem(problem)])
            }
            return CheckResult(
                folder: path, pack: pack.name, version: pack.pack.manifest.version, digest: pack.version,
                rules: pack.rules.map {
                    CheckResult.Rule(name: $0.name, on: $0.trigger.rawValue, description: $0.description)
                },
                problems: [])
        } catch {
            return CheckResult(folder: path, rules: [], problems: error.problems.map(CheckResult.Problem.init))
        }
    }
}

/// What `check --json` prints for each folder.
private struct CheckResult: Codable {
    struct Rule: Codable {
        var name: String
        var on: String
        var description: String?
    }

    struct Problem: Codable {
        var file: String
        var line: Int?
        var message: String
        var source: String?

        init(_ problem: RuleProblem) {
            file = problem.file
            line = problem.line
            message = problem.message
            source = problem.sourceLine
        }

        var text: String {
            RuleProblem(file: file, line: line, message: message, sourceLine: source).description
        }
    }

    var folder: String
    var pack: String?
    var version: String?
    var digest: String?
    var rules: [Rule]
    var problems: [Problem]

    func print() {
        let palette = Palette.standard
        for problem in problems { Terminal.line(palette.red("✗ ") + problem.text) }
        guard let pack, let version else { return }
        Terminal.line(palette.green("✓ ") + "\(pack) \(version)")
        for rule in rules {
            let name = rule.name.split(separator: ":").last ?? ""
            Terminal.line("    on \(rule.on): \(name)" + (rule.description.map { "  \(palette.dim($0))" } ?? ""))
        }
    }
}
