import AgentPhoneClient
import AsyncHTTPClient
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

    func send(from: String, to: String?, body: String, media: [String]) async throws -> Sent {
        let answer = try await post(
            "/sim/messages", try JSON.encode(MessageBody(from: from, to: to, body: body, media: media)))
        return try JSON.decode(Sent.self, from: answer)
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
        let answer = try await post("/sim/media", data, type: "application/octet-stream")
        return try JSON.decode(Media.self, from: answer).url
    }

    private func post(_ path: String, _ body: Data, type: String = "application/json") async throws -> Data {
        var request = HTTPClientRequest(url: gateway + path)
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(keys.simulationToken)")
        request.headers.add(name: "Content-Type", value: type)
        request.body = .bytes(ByteBuffer(bytes: body))
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
