import Conversations
import CustomDump
import Foundation
import Testing

/// Answers over the admin socket that are larger than any buffer.
@Suite(.timeLimit(.minutes(2)))
struct LargeAnswerTests {
    @Test func `a trace of many megabytes is shown, followed, replayed and listed`() async throws {
        let place = try Workplace()
        try place.save(
            """
            return { on = "message", run = function(message)
              local text = ("x"):rep(50000)
              for index = 1, 120 do store.set("k" .. index, text) end
            end }
            """, as: "hoard")
        let dev = try await DevProduct(place)
        let arguments = ["--state-directory", place.state.path]
        let triggered = try await Product.run(
            ["trigger", "message", "--from", "+15559876543", "--body", "one", "--wait", "60s"] + arguments)
        expectNoDifference(triggered.status, 0, "\(triggered.errors)")
        #expect(triggered.output.contains("hoard finished"), "\(triggered.output)")
        let trace = try await Product.run(["trace", "1", "--json"] + arguments)
        expectNoDifference(trace.status, 0, "\(trace.errors)")
        #expect(trace.output.utf8.count > 6_000_000)
        let commands = try JSONValue(parsing: Data(trace.output.utf8))["runs"]?.first?["commands"]?.items
        expectNoDifference(commands?.count, 120)
        for command in [["trace", "1"], ["replay", "1"], ["events", "retry", "1"], ["runs", "--limit", "1000"]] {
            let result = try await Product.run(command + arguments)
            #expect(!result.errors.contains("TooManyBytes"), "\(command): \(result.errors)")
            if command[0] != "events" { expectNoDifference(result.status, 0, "\(command): \(result.errors)") }
        }
        #expect(await dev.product.stop() == 0)
    }
}
