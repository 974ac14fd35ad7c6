import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say what the running process serves, which rules are in force, and how deliveries were answered.")

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await withAdmin(shared) { admin in
            let status = try await admin.status()
            if json { return try Terminal.json(status) }
            for line in Self.lines(status) { Terminal.line(line) }
            guard status.mode != "gateway" else { return }
            for line in Self.lines(try await admin.standstill()) { Terminal.line(line) }
        }
    }

    private static func lines(_ standstill: AdminStandstill) -> [String] {
        standstill.pauses.map { "  " + $0.line }
            + standstill.breakers.map { breaker in
                let probe = breaker.nextProbeAt.map { ", asked again at \($0)" } ?? ""
                return "  \(breaker.upstream): \(breaker.state)\(probe): \((breaker.reason ?? "").visible)"
            }
            + standstill.fuseStops.map { "  " + $0.line }
    }

    private static func lines(_ status: AdminStatus) -> [String] {
        var lines = ["tidewire \(status.mode) \(status.version), process \(status.process)"]
        let places = [
            ("gateway", status.gateway), ("webhooks", status.webhook), ("monitor", status.monitor), ("api", status.api),
        ]
        lines += places.compactMap { name, url in url.map { "  \(name): \($0)" } }
        lines += status.packs.map { pack in
            "  rules: \(pack.name) \(pack.version) (\(pack.digest.prefix(12))): "
                + pack.rules.map { String($0.split(separator: ":").last ?? "") }.joined(separator: ", ")
        }
        lines += (status.troubles ?? []).flatMap { trouble in
            ["  " + Palette.standard.red("✗ \(trouble.folder) has problems: \(trouble.consequence)")]
                + trouble.problems.map { "      " + $0.replacing("\n", with: "\n      ") }
        }
        if status.isDryRun == true { lines.append("  dry run: nothing is sent or changed") }
        if let held = RunKind.summary(others: status.runsOfOtherKind ?? 0, isDryHost: status.isDryRun ?? false) {
            lines.append("  " + held)
        }
        let answers = status.deliveries.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        if !answers.isEmpty { lines.append("  deliveries: " + answers.joined(separator: ", ")) }
        return lines
    }
}
