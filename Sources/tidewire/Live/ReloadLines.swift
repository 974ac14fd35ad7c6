import Foundation
import Packs
import Rules

/// What a save led to, for whoever made it.
enum ReloadLines {
    static func write(_ folder: PackFolder, _ outcome: ReloadOutcome) {
        for line in lines(folder, outcome, Palette.standard) { Terminal.line(line) }
    }

    static func lines(_ folder: PackFolder, _ outcome: ReloadOutcome, _ palette: Palette) -> [String] {
        switch outcome {
        case .unchanged(let pack): return [palette.green("mended: \(pack.name) is what it was")]
        case .activated(let pack):
            let count = pack.rules.count == 1 ? "1 rule" : "\(pack.rules.count) rules"
            return [
                palette.green("loaded \(pack.name) \(pack.pack.manifest.version) (\(count)) from \(folder.url.path)")
            ]
        case .broken(let problems, let active):
            let rest =
                active.map { "\($0) goes on as it was." }
                ?? "No rule of it runs until this is fixed; events wait for it."
            return [palette.red("\(folder.url.path) has problems. \(rest)")]
                + problems.problems.map { "  " + $0.description.replacing("\n", with: "\n  ") }
        }
    }
}
