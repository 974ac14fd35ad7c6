import CustomDump
import Foundation
import Packs
import Rules
import TestSupport
import Testing

@testable import tidewire

@Suite struct ReloadLinesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder(named: "evening") }

    private var packFolder: PackFolder { PackFolder(folder.url) }

    private func lines(_ outcome: ReloadOutcome) -> [String] {
        ReloadLines.lines(packFolder, outcome, Palette(isOn: false))
    }

    @Test func `a pack that was loaded is told with its rules`() async throws {
        try folder.write("return { on = 'message', run = function() end }", to: "rules/heart.lua")
        let pack = try await PackLoader().load(packFolder)
        expectNoDifference(
            lines(.activated(pack)), ["loaded local/evening 0.0.0 (1 rule) from \(packFolder.url.path)"])
        #expect(lines(.unchanged(pack))[0].contains("local/evening"))
    }

    @Test func `a broken pack shows each problem below what is still in force`() async {
        let problems = RuleProblems([
            RuleProblem(file: "rules/a.lua", line: 2, message: "unknown key 'whe'", sourceLine: "whe = {}"),
            RuleProblem(file: "rules/b.lua", message: "must return a table"),
        ])
        let shown = lines(.broken(problems, stillActive: "local/evening 0.0.0"))
        #expect(shown[0].contains(packFolder.url.path))
        #expect(shown[0].contains("local/evening 0.0.0"))
        expectNoDifference(
            Array(shown.dropFirst()),
            ["  rules/a.lua:2: unknown key 'whe'\n    2 | whe = {}", "  rules/b.lua: must return a table"])
        #expect(lines(.broken(problems, stillActive: nil))[0].contains("No rule of it runs"))
    }
}
