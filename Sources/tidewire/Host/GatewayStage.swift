import AgentPhoneClient
import ConversationGateway
import Conversations
import Foundation

/// The phones of a running gateway as the stage of a scene.
struct GatewayStage: SceneStage {
    let phones: PhonesClient

    func setUp(_ address: String, imessage: Bool) async throws(APIError) {
        try await translating { try await phones.setIMessage(imessage, for: address) }
    }

    func startGroup(of members: [String]) async throws(APIError) -> String {
        try await translating { try await phones.startGroup(of: members) }
    }

    func text(_ text: PhoneText) async throws(APIError) -> [Message] {
        try await translating { try await phones.send(text).messages }
    }

    func tapBack(from: String, to id: Message.ID, with reaction: ReactionType) async throws(APIError) {
        try await translating {
            _ = try await phones.react(from: from, messageID: id.rawValue, reaction: reaction.rawValue)
        }
    }

    func answer(to address: String, body: String) async throws(APIError) -> Message.ID {
        try await translating {
            let message = OutboundMessage(fromNumber: try await phones.numbers().first, toNumber: address, body: body)
            return try await phones.api().send(message).id
        }
    }

    func keep(_ data: Data) async throws(APIError) -> String {
        try await translating { try await phones.upload(data) }
    }

    func received(by address: String) async throws(APIError) -> [Message] {
        try await translating { try await phones.messages(of: address).filter { $0.direction == .outbound } }
    }

    /// The player knows the API's errors alone.
    private func translating<Value>(_ body: () async throws -> Value) async throws(APIError) -> Value {
        do {
            return try await body()
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(.unavailable, CommandError(error).message)
        }
    }
}
