import Conversations
import CustomDump
import Foundation
import Testing

/// Rules that wait, over crashes.
@Suite(.timeLimit(.minutes(2)))
struct WaitTests {
    private static let chase = """
        return {
          on = "message",
          when = { body = "order" },
          mode = "single",
          run = function(message)
            local conversation = message.conversation
            conversation:send("Which order?")
            local reply = conversation:wait_reply { timeout = "2h", pattern = "ORD" }
            conversation:tag { order = reply and reply.body:match("ORD%-%d+") }
          end,
        }
        """

    @Test func `a rule that waits goes on with the reply after a kill and a restart`() async throws {
        let place = try Workplace()
        try place.save(Self.chase, as: "chase")
        let first = try await DevProduct(place)
        let sent = try await first.text("Where is my order?")
        await first.product.output.next(holding: "chase waits for a reply at pack/rules/chase.lua:8")
        _ = await first.product.crash()

        let second = try await DevProduct(place)
        _ = try await second.text("hm, let me look")
        await second.product.output.next(holding: "the text has none of")
        _ = try await second.text("It is ORD-4711")
        await second.product.output.next(holding: "chase finished")
        let detail = try await second.conversation(sent.conversation)
        expectNoDifference(detail["metadata"], ["order": "ORD-4711"])
        let questions = detail["messages"]?.items.filter { $0["body"]?.string == "Which order?" }
        expectNoDifference(questions?.count, 1)
        #expect(await second.product.stop() == 0)
    }

    @Test func `a run that waits finishes on the version it began with, and the next starts on the new one`()
        async throws
    {
        let place = try Workplace()
        try place.save(Self.chase, as: "chase")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("order one")
        await dev.product.output.next(holding: "chase waits")
        try place.save(Self.chase.replacing("conversation:tag { order", with: "conversation:tag { number"), as: "chase")
        await dev.product.output.next(holding: "loaded local/pack")
        _ = try await dev.text("ORD-1")
        await dev.product.output.next(holding: "chase finished")
        let old = try await dev.conversation(sent.conversation)["metadata"]
        expectNoDifference(old, ["order": "ORD-1"])
        _ = try await dev.text("order two")
        await dev.product.output.next(holding: "chase waits")
        _ = try await dev.text("ORD-2")
        await dev.product.output.next(holding: "chase finished")
        let new = try await dev.conversation(sent.conversation)["metadata"]
        expectNoDifference(new, ["order": "ORD-1", "number": "ORD-2"])
    }

    @Test func `a wait is listed, and woken by hand, once`() async throws {
        let place = try Workplace()
        try place.save(Self.chase, as: "chase")
        let dev = try await DevProduct(place)
        _ = try await dev.text("order")
        await dev.product.output.next(holding: "chase waits")
        let listed = try await Product.run([
            "runs", "--state-directory", place.state.path, "--state", "waiting", "--json",
        ])
        let run = try #require(try JSONValue(parsing: Data(listed.output.utf8)).first?["id"]?.string)
        let woken = try await Product.run(["runs", "wake", run, "--state-directory", place.state.path])
        expectNoDifference(woken.status, 0)
        await dev.product.output.next(holding: "chase finished")
        let again = try await Product.run(["runs", "wake", run, "--state-directory", place.state.path])
        expectNoDifference(again.status, 1)
        #expect(again.errors.contains("it does not wait"))
    }
}
