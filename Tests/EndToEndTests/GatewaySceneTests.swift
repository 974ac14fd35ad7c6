import Conversations
import CustomDump
import Foundation
import Testing

/// The scenes that come with the examples, played by the real binary.
@Suite(.timeLimit(.minutes(2)))
struct GatewaySceneTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func play(
        _ place: Workplace, _ scene: String, _ more: String...
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await Product.run(
            ["sim", "play", scene, "--state-directory", place.state.path] + more, in: Self.root)
    }

    @Test func `a photo gets its heart, and the question mark its answer`() async throws {
        let place = try Workplace()
        let dev = try await DevProduct(place, packs: ["examples/photos"], in: Self.root)
        let result = try await play(place, "examples/photos/scenes/photo_and_tapback.yaml", "--speed", "20")
        expectNoDifference(result.status, 0, "\(result.errors)")
        #expect(result.output.hasSuffix("✓ played 7 steps\n"), "\(result.output)")
        await dev.product.output.next(holding: "answer_question finished")
        let messages = try await dev.phones.get("/sim/phones/%2B15559876543/messages").json["data"]?.items ?? []
        expectNoDifference(
            messages.map { $0["body"]?.string },
            [
                "Sorry, that wasn't clear. What would you like to know?", "Is that the north beach?", "Look at this!",
            ])
        let photo = try #require(messages.last)
        expectNoDifference(
            Set(photo["reactions"]?.items.compactMap { $0["reactionType"]?.string } ?? []), ["laugh", "love"])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `an order is chased to its number`() async throws {
        let place = try Workplace()
        let dev = try await DevProduct(place, packs: ["examples/orders"], in: Self.root)
        let result = try await play(place, "examples/orders/scenes/chase_order.yaml", "--fast", "--json")
        expectNoDifference(result.status, 0, "\(result.errors)")
        let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: Data($0.utf8)) }
        expectNoDifference(lines.map { $0["step"]?.string }, ["text", "expect", "text", nil])
        expectNoDifference(lines.last, ["ended": true, "steps": 4])
        await dev.product.output.next(holding: "chase_order finished")
        let list = try await dev.api.get("/v1/conversations").json["data"]?.first
        expectNoDifference(list?["metadata"]?["order_id"]?.string, "ORD-4711")
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a carousel arrives in parts by iMessage and as one by MMS, and a group has its members`() async throws {
        let place = try Workplace()
        let gateway = try await GatewayProduct(place)
        for (scene, steps) in [("carousel", 4), ("group", 6)] {
            let result = try await play(place, "examples/photos/scenes/\(scene).yaml", "--fast")
            expectNoDifference(result.status, 0, "\(result.errors)")
            #expect(result.output.hasSuffix("✓ played \(steps) steps\n"), "\(result.output)")
        }
        let threads = try await gateway.api.get("/v1/conversations").json["data"]?.items ?? []
        expectNoDifference(threads.map { $0["messageCount"] }, [3, 1, 4])
        expectNoDifference(
            threads.first?["participants"]?.items.map { $0["identifier"]?.string },
            ["+15559876543", "ruth@example.com"])
        let otto = try await gateway.phones.get("/sim/phones/%2B15550000002/messages").json["data"]?.first
        expectNoDifference(otto?["channel"], "mms")
        expectNoDifference(otto?["mediaUrls"]?.items.count, 2)
        #expect(await gateway.product.stop() == 0)
    }

    @Test func `what is wrong with a scene is told with file and line, without a gateway`() async throws {
        let place = try Workplace()
        let file = place.folder.appending(path: "bad.yaml").path
        let text = "phones:\n  jane: { address: \"+15559876543\" }\nsteps:\n  - text: { frm: jane }\n  - wait: soon\n"
        try Data(text.utf8).write(to: URL(filePath: file))
        let result = try await play(place, file, "--check")
        expectNoDifference(result.status, 1)
        let problems = [
            "error: \(file):4: unknown key \"frm\": a text has from, to, group, body, media, reply_to, name",
            "\(file):4: a text needs from",
            "\(file):5: wait must be a duration of at most a day, such as 500ms, 2s or 1m",
        ]
        expectNoDifference(result.errors.split(separator: "\n").map(String.init), problems)
        for scene in ["photos/scenes/carousel", "photos/scenes/group", "orders/scenes/chase_order"] {
            let checked = try await play(place, "examples/\(scene).yaml", "--check")
            expectNoDifference(checked.status, 0)
        }
        let nobody = try await play(place, "examples/photos/scenes/group.yaml")
        expectNoDifference(nobody.status, 69)
        let both = try await play(place, "examples/photos/scenes/group.yaml", "--fast", "--speed", "2")
        expectNoDifference(both.status, 64)
    }
}
