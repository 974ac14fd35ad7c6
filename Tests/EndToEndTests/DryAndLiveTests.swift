import Conversations
import CustomDump
import Foundation
import Testing

/// A dry run stays dry and a live run live, whatever flags the next process has.
@Suite(.timeLimit(.minutes(2)))
struct DryAndLiveTests {
    private static let ask = """
        return { on = "message", when = { body = "order" }, run = function(message)
          message.conversation:send("Which order?")
          local reply = message.conversation:wait_reply { timeout = "2h" }
          message.conversation:send(reply and "Thanks for " .. reply.body or "Still there?")
        end }
        """

    private static func tidewire(_ place: Workplace, _ arguments: String...) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await Product.run(arguments + ["--state-directory", place.state.path])
    }

    @Test func `a dry run that waits sends nothing under a live host, and goes on under a dry one`() async throws {
        let place = try Workplace()
        try place.save(Self.ask, as: "ask")
        let dry = try await DevProduct(place, [:], ["--dry-run"])
        let sent = try await dry.text("order")
        await dry.product.output.next(holding: "ask waits for a reply")
        let status = try await Self.tidewire(place, "status")
        #expect(status.output.contains("dry run: nothing is sent or changed"))
        let doctor = try await Self.tidewire(place, "doctor", "--offline", place.pack.path)
        #expect(doctor.output.contains("runs dry"), "\(doctor.output)")
        #expect(await dry.product.stop() == 0)

        let live = try await DevProduct(place)
        let held = try await Self.tidewire(place, "status")
        #expect(held.output.contains("1 dry run is held"), "\(held.output)")
        let runs = try await Self.tidewire(place, "runs", "--json")
        let run = try #require(try JSONValue(parsing: Data(runs.output.utf8)).first)
        expectNoDifference(run["isDryRun"], true)
        #expect(run["reason"]?.string?.contains("restart the host with --dry-run") == true)
        let id = try #require(run["id"]?.string)
        _ = try await Self.tidewire(place, "runs", "wake", id)
        await live.product.output.next(holding: "ask is held: it is a dry run, and this host runs live")
        let answers = try await live.answers(in: sent.conversation)
        expectNoDifference(answers, [])
        #expect(await live.product.stop() == 0)

        let again = try await DevProduct(place, [:], ["--dry-run"])
        await again.product.output.next(holding: "ask finished")
        let trace = try await Self.tidewire(place, "trace", "1")
        #expect(trace.output.contains("(dry run)"), "\(trace.output)")
        #expect(await again.product.stop() == 0)
    }

    @Test func `the answer to a live run is not used up by a host that runs dry`() async throws {
        let place = try Workplace()
        try place.save(Self.ask, as: "ask")
        let live = try await DevProduct(place)
        let sent = try await live.text("order")
        await live.product.output.next(holding: "ask waits for a reply")
        #expect(await live.product.stop() == 0)

        let dry = try await DevProduct(place, [:], ["--dry-run"])
        _ = try await dry.text("ORD-5")
        await dry.product.output.next(holding: "✗ local/pack:ask")
        #expect(await dry.product.stop() == 0)

        let again = try await DevProduct(place)
        await again.product.output.next(holding: "ask finished")
        let answers = try await again.answers(in: sent.conversation)
        expectNoDifference(answers, ["Which order?", "Thanks for ORD-5"])
        #expect(await again.product.stop() == 0)
    }
}
