import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// The main way: a photo gets its heart.
@Suite(.timeLimit(.minutes(2)))
struct PhotoTests {
    static let heart = """
        return {
          on = "message",
          when = { channel = "imessage", media = "image" },
          run = function(message)
            message:react("love")
            message.conversation:increment("photos")
            message.conversation:tag { last_photo = message.media_url }
          end,
        }
        """

    @Test(arguments: [true, false])
    func `a photo gets its heart and its tags, with and without message ids in the payload`(
        hasIDs: Bool
    ) async throws {
        let place = try Workplace()
        try place.save(Self.heart, as: "heart")
        let dev = try await DevProduct(place, ["gateway.webhook_message_ids": "\(hasIDs)"])
        let url = try await dev.upload()
        let sent = try await dev.text("", media: [url])
        await dev.product.output.next(holding: "heart finished")
        try await dev.expect(reactions: ["love"], on: sent)
        let metadata = try await dev.conversation(sent.conversation)["metadata"]
        expectNoDifference(metadata, ["photos": 1, "last_photo": .string(url)])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a saved rule treats the next photo the new way`() async throws {
        let place = try Workplace()
        try place.save(Self.heart, as: "heart")
        let dev = try await DevProduct(place)
        let url = try await dev.upload()
        let first = try await dev.text("", media: [url])
        await dev.product.output.next(holding: "heart finished")
        try place.save(Self.heart.replacing("\"love\"", with: "\"laugh\""), as: "heart")
        await dev.product.output.next(holding: "loaded local/pack")
        let second = try await dev.text("", media: [url])
        await dev.product.output.next(holding: "heart finished")
        try await dev.expect(reactions: ["love"], on: first)
        try await dev.expect(reactions: ["laugh"], on: second)
    }

    @Test func `after a broken save the last good rule goes on, and file, line and reason are told`() async throws {
        let place = try Workplace()
        try place.save(Self.heart, as: "heart")
        let dev = try await DevProduct(place)
        try place.save(Self.heart.replacing("message:react(\"love\")", with: "message:react(\"love\""), as: "heart")
        await dev.product.output.next(holding: "has problems. local/pack goes on as it was.")
        let problem = try #require(await dev.product.output.next(holding: "heart.lua:"))
        #expect(problem.contains("rules/heart.lua:6: ')' expected (to close '(' at line 5)"))
        let sent = try await dev.text("", media: [try await dev.upload()])
        await dev.product.output.next(holding: "heart finished")
        try await dev.expect(reactions: ["love"], on: sent)
    }

    @Test func `a failing rule is told with its line and holds up no other`() async throws {
        let place = try Workplace()
        try place.save(
            "return { on = \"message\", run = function(message)\n  message.nothing.here = 1\nend }", as: "bad")
        try place.save(Self.heart, as: "heart")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("", media: [try await dev.upload()])
        let failure = try #require(await dev.product.output.next(holding: "bad failed"))
        #expect(failure.contains("pack/rules/bad.lua:2: attempt to index a nil value (field 'nothing')"))
        await dev.product.output.next(holding: "heart finished")
        try await dev.expect(reactions: ["love"], on: sent)
    }

    @Test func `a question mark on a message of ours is answered`() async throws {
        let place = try Workplace()
        try place.save(
            """
            return {
              on = "reaction",
              when = { reaction = "question" },
              run = function(reaction)
                local sent = reaction.conversation:send("What wasn't clear?")
                reaction.conversation:tag { answer = sent.id }
              end,
            }
            """, as: "answer")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("hello")
        let ours = try await dev.api.post(
            "/v1/messages", ["from_number": "+15555550100", "to_number": "+15559876543", "body": "Is that right?"])
        _ = try await dev.phones.post(
            "/sim/reactions",
            ["from": "+15559876543", "message_id": ours.json["id"] ?? .null, "reaction": "question"])
        await dev.product.output.next(holding: "answer finished")
        let detail = try await dev.conversation(sent.conversation)
        let answer = try #require(detail["messages"]?.items.first { $0["body"]?.string == "What wasn't clear?" })
        expectNoDifference(answer["direction"], "outbound")
        expectNoDifference(detail["metadata"], ["answer": answer["id"] ?? .null])
    }

    @Test func `messages whose webhooks were lost are found by polling, once`() async throws {
        let place = try Workplace()
        try place.save(Self.heart, as: "heart")
        let dev = try await DevProduct(place, ["source": "both", "poll.interval": "1s"])
        let url = try await dev.upload()
        let delivered = try await dev.text("", media: [url])
        await dev.product.output.next(holding: "heart finished")
        _ = try await dev.phones.send(.PUT, "/sim/webhooks", Data(#"{"deliver": false}"#.utf8))
        let lost = try await dev.text("", media: [url])
        await dev.product.output.next(holding: "(by poll)")
        await dev.product.output.next(holding: "heart finished")
        for message in [delivered, lost] {
            try await dev.expect(reactions: ["love"], on: message)
        }
        let metadata = try await dev.conversation(lost.conversation)["metadata"]
        expectNoDifference(metadata?["photos"], 2)
    }
}
