import Conversations
import CustomDump
import Foundation
import Testing

/// Each request that the guide documents, against `tidewire dev --sample`. Source: AgentPhone guide "Conversations".
@Suite(.timeLimit(.minutes(2)))
struct GuideTests {
    private static let conversationKeys: Set = [
        "id", "agentId", "phoneNumberId", "phoneNumber", "participant", "lastMessageAt", "lastMessagePreview",
        "messageCount", "metadata", "createdAt",
    ]
    private static let messageKeys: Set = [
        "id", "body", "fromNumber", "toNumber", "direction", "channel", "mediaUrl", "receivedAt",
    ]

    @Test func `each documented request gives the documented shape`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place, [:], ["--sample"])

        let list = try await dev.api.get("/v1/conversations?limit=10&offset=0")
        expectNoDifference(list.status, 200)
        expectNoDifference(list.json.keys, ["data", "hasMore", "total"])
        expectNoDifference(list.json["data"]?.first?.keys, Self.conversationKeys)

        let detail = try await dev.api.get("/v1/conversations/conv_def456?message_limit=20").json
        expectNoDifference(
            detail.keys, Self.conversationKeys.subtracting(["lastMessagePreview"]).union(["messages"]))
        #expect(detail["messages"]?.first.map { Self.messageKeys.isSubset(of: $0.keys) } == true)

        let metadata: JSONValue = [
            "customerName": "Jane Doe", "orderId": "ORD-12345", "topic": "order_tracking", "resolved": false,
        ]
        let patched = try await dev.api.patch("/v1/conversations/conv_def456", ["metadata": metadata])
        expectNoDifference(patched.status, 200)
        expectNoDifference(patched.json["metadata"], metadata)

        let messages = try await dev.api.get("/v1/conversations/conv_def456/messages?limit=20").json
        expectNoDifference(messages.keys, ["data", "hasMore"])
        let photo = try #require(messages["data"]?.items.first { $0["mediaUrl"]?.string != nil })
        expectNoDifference(photo["body"], "")

        let reaction = try await dev.api.post("/v1/messages/msg_002/reactions", ["reaction": "love"])
        expectNoDifference(reaction.status, 200)
        expectNoDifference(reaction.json["reactionType"], "love")
        expectNoDifference(reaction.json["messageId"], "msg_002")
        expectNoDifference(reaction.json["channel"], "imessage")
        #expect(reaction.json["id"]?.string != nil)
    }

    @Test func `reacting to a message that came by SMS is refused with 400`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        _ = try await dev.phones.post("/sim/phones", ["address": "+15550001111", "imessage": false])
        let sent = try await dev.text("hi", from: "+15550001111")
        let answer = try await dev.api.post("/v1/messages/\(sent.message)/reactions", ["reaction": "love"])
        expectNoDifference(answer.status, 400)
        #expect(answer.json["detail"]?.string != nil)
        #expect(answer.json["error"]?["message"]?.string != nil)
    }

    @Test func `the gateway keeps conversations, messages and metadata over a restart`() async throws {
        let place = try Workplace()
        let first = try Product(place.arguments("gateway", [:], ["--sample"]))
        await first.output.next(holding: "The gateway serves")
        #expect(await first.stop() == 0)
        let second = try Product(place.arguments("gateway"))
        let line = try #require(await second.output.next(holding: "The gateway serves"))
        let url = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") })
        let api = HTTP(base: String(url), token: try place.keys()["api_key"])
        let detail = try await api.get("/v1/conversations/conv_def456").json
        expectNoDifference(detail["metadata"], ["customerName": "Jane Doe", "orderId": "ORD-12345"])
        #expect((detail["messages"]?.items.count ?? 0) >= 2)
        #expect(await second.stop() == 0)
    }
}
