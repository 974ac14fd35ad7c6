import Conversations
import CustomDump
import Foundation
import Testing

/// `tidewire check --run`, with the scripts that try to hurt the host.
@Suite(.timeLimit(.minutes(2)))
struct CheckRunTests {
    private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "LuaTests/Hostile")

    private func check(_ file: String, _ more: String..., settings: [String: String] = [:]) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await Product.run(
            ["check", "--run", file] + more + settings.flatMap { ["--set", "\($0.key)=\($0.value)"] })
    }

    private func check(script: String, _ more: String...) async throws -> (status: Int32, output: String) {
        let place = try Workplace()
        let file = place.folder.appending(path: "script.lua")
        try Data(script.utf8).write(to: file)
        let result = try await Product.run(["check", "--run", file.path] + more)
        return (result.status, result.output.replacing(file.path, with: "script.lua"))
    }

    @Test(arguments: [
        ("loop.lua", "limits.cpu"), ("pattern_stars.lua", "limits.cpu"), ("handler_loops.lua", "limits.cpu"),
        ("close_loops.lua", "limits.cpu"), ("strings_kept.lua", "limits.memory"), ("table_grows.lua", "limits.memory"),
    ])
    func `a hostile script is stopped with status 3 and the limit's name`(name: String, limit: String) async throws {
        // A busy machine gives it little of the processor, and a slow one may take longer than the default to fill the
        // memory.
        let result = try await check(
            Self.corpus.appending(path: name).path, "--json",
            settings: ["limits.wall": "100s"].merging(limit == "limits.memory" ? ["limits.cpu": "60s"] : [:]) { $1 })
        expectNoDifference(result.status, 3)
        let report = try JSONValue(parsing: Data(result.output.utf8))
        expectNoDifference(report["outcome"], "stopped")
        expectNoDifference(report["limit"], .string(limit))
        #expect(report["message"]?.string?.contains("raise \(limit)") == true)
        #expect((report["memory_bytes"]?.double ?? 0) > 0)
    }

    @Test func `a limit that is set is the one that stops`() async throws {
        let result = try await check(Self.corpus.appending(path: "loop.lua").path, settings: ["limits.cpu": "40ms"])
        expectNoDifference(result.status, 3)
        #expect(result.output.contains("✗ stopped by limits.cpu: "))
        #expect(result.output.contains("used more than 40 ms of processor time; do less at once, or raise limits.cpu"))
    }

    @Test func `the ceiling of the process has a setting too`() async throws {
        let result = try await check(
            Self.corpus.appending(path: "strings_kept.lua").path,
            settings: ["limits.process_memory": "16MiB", "limits.cpu": "60s"])
        expectNoDifference(result.status, 3)
        #expect(result.output.contains("stopped by limits.process_memory"))
    }

    @Test func `a script that fails ends with status 1, its line and its traceback`() async throws {
        let result = try await check(script: "local function inner()\n  error(\"no\")\nend\ninner()")
        expectNoDifference(result.status, 1)
        #expect(result.output.contains("✗ failed: "))
        #expect(
            result.output.hasSuffix(
                """
                script.lua:2: no
                    error("no")
                  script.lua:2: in local 'inner'
                  script.lua:4: in function <script.lua:1>

                """))
    }

    @Test func `a script that finishes says what it returned and asked for`() async throws {
        let result = try await check(
            script: "local message = ...\nmessage:react(\"love\")\nlog.info(\"seen\")\nreturn message.body, #{ 1, 2 }",
            "--json")
        expectNoDifference(result.status, 0)
        let report = try JSONValue(parsing: Data(result.output.utf8))
        expectNoDifference(report["outcome"], "finished")
        expectNoDifference(report["results"], ["\"Hello\"", "2"])
        expectNoDifference(report["logs"], ["info: seen"])
        expectNoDifference(report["command_count"], 1)
        guard case .array(let commands)? = report["commands"] else { return #expect(Bool(false)) }
        expectNoDifference(commands.first?["name"], "message.react")
        expectNoDifference(commands.first?["location"]?.string?.hasSuffix("script.lua:2"), true)
    }

    @Test func `a whole rule is run with an event of its kind`() async throws {
        let rule = """
            return {
              on = "reaction",
              run = function(reaction)
                reaction.conversation:send(reaction.reaction_type)
              end,
            }
            """
        let result = try await check(script: rule)
        expectNoDifference(result.status, 0)
        #expect(result.output.contains("message.send {"))
        #expect(result.output.contains("\"body\":\"love\""))
        #expect(result.output.contains("script.lua:4"))
    }

    @Test func `standard input is a script, and no file is status 66`() async throws {
        let script = Self.corpus.appending(path: "loop.lua").path
        let piped = try await Product.run(
            ["-c", "exec '\(Product.binary.path)' check --run - --json < '\(script)'"], binary: URL(filePath: "/bin/sh")
        )
        expectNoDifference(piped.status, 3)
        let message = try JSONValue(parsing: Data(piped.output.utf8))["message"]?.string
        #expect(message?.hasPrefix("stdin:") == true)
        let none = try await check("/nonexistent/script.lua")
        expectNoDifference(none.status, 66)
        #expect(none.errors.contains("/nonexistent/script.lua can't be read"))
    }
}
