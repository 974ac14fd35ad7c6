import AgentPhoneClient
import AsyncHTTPClient
import ConversationGateway
import Conversations
import Foundation
import NIOCore
import NIOHTTP1

/// The simulated phones of a running gateway, over HTTP.
struct PhonesClient: Sendable {
    struct Sent: Codable, Sendable {
        var conversationID: Conversation.ID
        var messages: [Message]

        private enum CodingKeys: String, CodingKey {
            case conversationID = "conversation_id"
            case messages
        }
    }

    private struct PhoneBody: Encodable {
        var address: String
        var imessage: Bool
    }

    private struct MessageBody: Encodable {
        var from: String
        var to: String?
        var body: String
        var media: [String]
        var group: String?
        var reply_to: Message.ID?
    }

    private struct GroupBody: Encodable {
        var members: [String]
    }

    private struct Group: Decodable {
        var id: String
    }

    private struct Number: Decodable {
        var number: String
    }

    private struct List<Item: Decodable>: Decodable {
        var data: [Item]
    }

    private struct ReactionBody: Encodable {
        var from: String
        var message_id: String
        var reaction: String
    }

    private struct Media: Decodable {
        var url: String
    }

    private static let answerLimit = 4 << 20

    let gateway: String
    let keys: StateKeys
    let admin: AdminClient
    /// Whether the process also runs rules, so that there is something to wait for.
    let hasRules: Bool
    let client: HTTPClient

    /// The public API, as any client sees it.
    func api() throws -> AgentPhoneClient {
        AgentPhoneClient(try AgentPhoneConfiguration(baseURL: gateway, apiKey: keys.apiKey), httpClient: client)
    }

    func setIMessage(_ imessage: Bool, for address: String) async throws {
        _ = try await post("/sim/phones", try JSON.encode(PhoneBody(address: address, imessage: imessage)))
    }

    func send(_ text: PhoneText) async throws -> Sent {
        let body = MessageBody(
            from: text.from, to: text.to, body: text.body, media: text.media, group: text.group,
            reply_to: text.replyTo)
        return try JSON.decode(Sent.self, from: try await post("/sim/messages", try JSON.encode(body)))
    }

    /// - Returns: The group's id.
    func startGroup(of members: [String]) async throws -> String {
        try JSON.decode(Group.self, from: try await post("/sim/groups", try JSON.encode(GroupBody(members: members))))
            .id
    }

    /// The project's numbers, oldest first.
    func numbers() async throws -> [String] {
        try JSON.decode(List<Number>.self, from: try await execute(.GET, "/sim/numbers")).data.map(\.number)
    }

    /// The latest messages that a phone was sent or sent, newest first.
    func messages(of address: String) async throws -> [Message] {
        let part = address.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return try JSON.decode(
            List<Message>.self, from: try await execute(.GET, "/sim/phones/\(part)/messages?limit=200")
        ).data
    }

    func react(from: String, messageID: String, reaction: String) async throws -> MessageReaction {
        let body = ReactionBody(from: from, message_id: messageID, reaction: reaction)
        return try JSON.decode(MessageReaction.self, from: try await post("/sim/reactions", try JSON.encode(body)))
    }

    /// Uploads a file.
    ///
    /// - Returns: The URL under which the gateway serves it.
    func upload(_ path: String) async throws -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw CommandError(ExitStatus.failed, "the file \(path) can't be read: \(error.localizedDescription)")
        }
        return try await upload(data)
    }

    func upload(_ data: Data) async throws -> String {
        let answer = try await post("/sim/media", data, type: "application/octet-stream")
        return try JSON.decode(Media.self, from: answer).url
    }

    private func post(_ path: String, _ body: Data, type: String = "application/json") async throws -> Data {
        try await execute(.POST, path, body, type: type)
    }

    private func execute(
        _ method: HTTPMethod, _ path: String, _ body: Data? = nil, type: String = "application/json"
    ) async throws -> Data {
        var request = HTTPClientRequest(url: gateway + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(keys.simulationToken)")
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: .seconds(60))
        } catch {
            throw CommandError(ExitStatus.unavailable, "the gateway at \(gateway) does not answer: \(error)")
        }
        let answer = Data(try await response.body.collect(upTo: Self.answerLimit).readableBytesView)
        guard (200..<300).contains(Int(response.status.code)) else {
            let message = (try? JSON.decode(APIErrorBody.self, from: answer))?.error.message
            throw CommandError(ExitStatus.failed, message ?? "the gateway answered \(response.status.code)")
        }
        return answer
    }
}
