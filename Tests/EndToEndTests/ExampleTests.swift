import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// The packs in `examples`, as the README has them run.
@Suite(.timeLimit(.minutes(2)))
struct ExampleTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// `tidewire dev` from the repository's folder, with no pack named.
    private func dev(_ place: Workplace, _ packs: [String] = []) async throws -> DevProduct {
        try await DevProduct(place, packs: packs, in: Self.root)
    }

    private func trigger(_ place: Workplace, _ arguments: String...) async throws -> String {
        let result = try await Product.run(
            ["trigger"] + arguments + ["--state-directory", place.state.path], in: Self.root)
        expectNoDifference(result.status, 0)
        return result.output
    }

    @Test func `the commands of the README show what it says`() async throws {
        let place = try Workplace()
        let dev = try await dev(place)
        let photo = try await trigger(
            place, "message", "--from", "+15559876543", "--body", "Look at this!", "--image",
            "examples/photos/fixtures/beach.png")
        for text in [
            "✓ acme/photos:heart_photos finished", "✗ acme/photos:tag_topic: matches said no", "has the reaction love",
            "\"photos\":1",
        ] { #expect(photo.contains(text), "\(photo)") }
        let order = try await trigger(place, "message", "--from", "+15559876543", "--body", "Where is my order?")
        #expect(order.contains("\"topic\":\"orders\""))
        let ours = try await dev.api.post(
            "/v1/messages", ["from_number": "+15555550100", "to_number": "+15559876543", "body": "Is that right?"])
        let id = try #require(ours.json["id"]?.string)
        let reaction = try await trigger(place, "reaction", "--from", "+15559876543", "--message", id, "question")
        #expect(reaction.contains("✓ acme/photos:answer_question finished"), "\(reaction)")
        #expect(reaction.contains("answered: Sorry, that wasn't clear. What would you like to know?"))
        #expect(await dev.product.stop() == 0)
    }

    @Test func `the order that is chased is found in the answer`() async throws {
        let place = try Workplace()
        let dev = try await dev(place, ["examples/orders"])
        let sent = try await dev.text("Where is my order?")
        await dev.product.output.next(holding: "chase_order waits")
        let answer = try await dev.text("It is ORD-4711")
        await dev.product.output.next(holding: "chase_order finished")
        let metadata = try await dev.conversation(sent.conversation)["metadata"]
        expectNoDifference(metadata, ["topic": "order_tracking", "resolved": true, "order_id": "ORD-4711"])
        try await dev.expect(reactions: ["like"], on: answer)
    }

    @Test func `every example passes the check`() async throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "examples").path)
        let result = try await Product.run(["check"] + folders.sorted().map { "examples/" + $0 }, in: Self.root)
        expectNoDifference(result.status, 0)
        #expect(result.output.contains("✓ acme/photos 1.0.0"))
    }

    @Test func `settings lists every setting, and its sample is a configuration`() async throws {
        let place = try Workplace()
        let list = try await Product.run(["settings"])
        for key in ["api.timeout", "limits.command_deadline", "gateway.retry_delays", "poll.lookback"] {
            #expect(list.output.contains(key))
        }
        let sample = try await Product.run(["settings", "--sample"])
        let file = place.folder.appending(path: "tidewire.yaml")
        try Data(sample.output.utf8).write(to: file)
        let check = try await Product.run(["check", "examples/photos", "--config", file.path], in: Self.root)
        expectNoDifference(check.status, 0, "\(check.errors)")
    }

    @Test func `the sample's requests, as they are printed, work in a shell`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place, [:], ["--sample"])
        let lines = dev.product.output.all.split(separator: "\n").map(String.init)
        let key = try #require(try place.keys()["api_key"])
        #expect(!lines.contains { $0.contains(key) }, "the key itself is not printed")
        let start = try #require(lines.firstIndex { $0.contains("export KEY=") })
        let end = try #require(lines.lastIndex { $0.contains("reaction") })
        let script = lines[start...end].joined(separator: "\n").replacing("curl ", with: "curl -sf ")
        let result = try await Product.run(["-c", script], binary: URL(filePath: "/bin/sh"))
        #expect(result.output.contains("\"reactionType\":\"love\""), "\(result)")
        #expect(result.output.contains("order_tracking"))
    }
}
