import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// `tidewire dev` with a workplace's pack, up and ready, and its two doors.
struct DevProduct: Sendable {
    let product: Product
    /// The public API.
    let api: HTTP
    /// The simulated phones.
    let phones: HTTP

    /// - Parameters:
    ///   - packs: By default the workplace's own.
    ///   - folder: Where it is started.
    init(
        _ workplace: Workplace, _ settings: [String: String] = [:], _ more: [String] = [], packs: [String]? = nil,
        in folder: URL? = nil, environment: [String: String] = [:]
    ) async throws {
        let packs = packs ?? [workplace.pack.path]
        product = try Product(
            workplace.arguments("dev", settings, more + packs), environment: environment, in: folder)
        let line = await product.output.next(holding: "  gateway ")
        let url = line?.split(separator: " ").first { $0.hasPrefix("http://") }.map(String.init)
        let base = try #require(url, "it did not start: \(product.errors.all)")
        let keys = try workplace.keys()
        api = HTTP(base: base, token: keys["api_key"])
        phones = HTTP(base: base, token: keys["simulation_token"])
        await product.output.next(holding: "What happens is shown below")
    }

    /// Texts from a phone with iMessage.
    ///
    /// - Returns: The message's id and the conversation's.
    func text(_ body: String, media: [String] = [], from: String = "+15559876543") async throws -> (
        message: String, conversation: String
    ) {
        let answer = try await phones.post(
            "/sim/messages",
            ["from": .string(from), "body": .string(body), "media": .array(media.map(JSONValue.string))])
        let message = try #require(answer.json["message_ids"]?.first?.string, "\(answer.json)")
        return (message, try #require(answer.json["conversation_id"]?.string))
    }

    /// Uploads a picture of one pixel.
    func upload() async throws -> String {
        let pixel = try #require(
            Data(
                base64Encoded:
                    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))
        let answer = try await phones.send(.POST, "/sim/media", pixel, type: "image/png")
        return try #require(answer.json["url"]?.string)
    }

    func conversation(_ id: String) async throws -> JSONValue { try await api.get("/v1/conversations/\(id)").json }

    /// What was sent to the participant, oldest first.
    func answers(in conversation: String) async throws -> [String] {
        let page = try await api.get("/v1/conversations/\(conversation)/messages?limit=200").json
        return (page["data"]?.items ?? []).reversed().filter { $0["direction"]?.string == "outbound" }
            .compactMap { $0["body"]?.string }
    }

    /// Compares the types of the reactions on a message, as the public API has them, with what they should be.
    func expect(reactions: [String], on sent: (message: String, conversation: String)) async throws {
        let detail = try await self.conversation(sent.conversation)
        let found = detail["messages"]?.items.first { $0["id"]?.string == sent.message }
        expectNoDifference(found?["reactions"]?.items.compactMap { $0["reactionType"]?.string } ?? [], reactions)
    }
}

extension JSONValue {
    var items: [JSONValue] {
        guard case .array(let items) = self else { return [] }
        return items
    }

    var first: JSONValue? { items.first }

    var keys: Set<String> {
        guard case .object(let members) = self else { return [] }
        return Set(members.keys)
    }
}
