import Foundation
import Lua
import Testing

/// Runs the scripts in `Hostile`, each the body of a rule that tries to hang, crash, exhaust or leave its host, under
/// the limits that are the default. The second line of each says what a safe host must do:
///
/// - `stop`, perhaps with the name of a limit: the script is stopped by a limit;
/// - `error` with a part of its message: the script ends with that error;
/// - `error` alone: with an error that is about a size, or, on a slow machine, by a limit before it comes to that;
/// - `finish`: it ends well.
@Suite struct HostileTests {
    struct Script: CustomTestStringConvertible, Sendable {
        var name: String
        var text: String

        var testDescription: String { name }

        /// The words after "-- expect:".
        /// A machine that is slowed down meets other limits first where the script says so.
        var expectation: Substring {
            let lines = text.split(separator: "\n")
            if HostileTests.slowdown > 1, lines[2].hasPrefix("-- slowed: ") {
                return lines[2].dropFirst("-- slowed: ".count)
            }
            return lines[1].dropFirst("-- expect: ".count)
        }
    }

    /// How many times slower than itself the machine is: a sanitizer makes it so. `scripts/sanitize` sets this.
    static let slowdown = ProcessInfo.processInfo.environment["TIDEWIRE_TEST_SLOWDOWN"].flatMap(Int.init) ?? 1

    static let limits: LuaLimits = {
        var limits = LuaLimits()
        limits.cpu *= slowdown
        return limits
    }()

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Hostile")

    static let scripts: [Script] = {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "lua" }.sorted { $0.path < $1.path }.compactMap { file in
            (try? String(contentsOf: file, encoding: .utf8)).map { Script(name: file.lastPathComponent, text: $0) }
        }
    }()

    @Test func `the corpus is there`() {
        #expect(Self.scripts.count >= 150)
    }

    @Test(arguments: scripts) func `a hostile script hurts only itself`(script: Script) throws {
        let state = try LuaState(.test(limits: Self.limits))
        let source = LuaSource(name: script.name, text: "return { run = function() \(script.text)\nend }")
        let invocation = try state.start(source, field: "run", arguments: [])
        var step = invocation.resume(.begin)
        while step == .paused { step = invocation.resume(.proceed) }
        check(step, script.expectation)
        #expect(invocation.cpuTime < .milliseconds(900) * Self.slowdown)
        #expect(try wellBehaved(LuaState(.test())) == [499_500, "<b><b>"])
        if !state.isBroken { #expect(try wellBehaved(state) == [499_500, "<b><b>"]) }
    }

    private func wellBehaved(_ state: LuaState) throws -> [LuaValue] {
        try state.run("local s = 0 for i = 1, 999 do s = s + api.call(i) end return s, (('abab'):gsub('ab', '<b>'))")
    }

    private func check(_ step: LuaStep, _ expectation: Substring) {
        let words = expectation.split(separator: " ", maxSplits: 1)
        let detail = words.count > 1 ? String(words[1]) : ""
        switch (words[0], step) {
        case ("finish", .finished):
            break
        case ("stop", .failed(let error)):
            #expect(error.code == .limit, "\(error)")
            #expect(detail.isEmpty || error.limit?.rawValue == detail, "\(error)")
            #expect(error.message.contains("raise limits.\(error.limit?.rawValue ?? "")"))
        case ("error", .failed(let error)):
            #expect(error.limit == nil || detail.isEmpty, "\(error)")
            #expect(detail.isEmpty || error.message.contains(detail), "\(error)")
            #expect(error.message.utf8.count <= 8300)
        default:
            Issue.record("\(expectation) was expected, not \(step)")
        }
    }
}
