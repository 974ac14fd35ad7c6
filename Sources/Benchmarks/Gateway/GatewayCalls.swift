import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The calls that are measured, each made on a random conversation.
struct GatewayCalls: Sendable {
    enum Kind: String, CaseIterable {
        case listConversations = "list conversations"
        case listConversationsDeep = "list, half way down"
        case getConversation = "get conversation"
        case listMessages = "list messages"
        case pageMessages = "page messages, deep"
        case send
        case patch = "patch metadata"
        case react
        case text = "text from a phone"
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    static let key = "sk_bench"

    let base: String
    let filling: GatewayFilling

    func make(_ kind: Kind) async throws {
        let index = Int.random(in: 0..<filling.conversations)
        let conversation = "/v1/conversations/\(filling.conversationID(index))"
        switch kind {
        case .listConversations: try await call(.GET, "/v1/conversations?limit=5")
        case .listConversationsDeep:
            try await call(.GET, "/v1/conversations?limit=5&offset=\(filling.conversations / 2)")
        case .getConversation: try await call(.GET, conversation)
        case .listMessages: try await call(.GET, conversation + "/messages?limit=50")
        case .pageMessages:
            let before = Date(timeIntervalSince1970: Double(filling.time(index, 60)) / 1e6)
            try await call(.GET, conversation + "/messages?limit=50&before=\(before.ISO8601Format())")
        case .send:
            let to = filling.participant(index)
            try await call(
                .POST, "/v1/messages",
                #"{"from_number": "+15551234567", "to_number": "\#(to)", "body": "It left this morning."}"#)
        case .patch: try await call(.PATCH, conversation, #"{"metadata": {"topic": "orders", "resolved": false}}"#)
        case .react:
            let message = filling.messageID(index, Int.random(in: 0..<GatewayFilling.messagesEach))
            try await call(.POST, "/v1/messages/\(message)/reactions", #"{"reaction": "love"}"#)
        case .text:
            try await call(
                .POST, "/sim/messages", #"{"from": "\#(filling.participant(index))", "body": "Where is it?"}"#)
        }
    }

    private func call(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(Self.key)")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let answer = try await response.body.collect(upTo: 16 << 20)
        guard response.status == .ok else {
            throw Failure(description: "\(method) \(path): \(response.status) \(String(buffer: answer))")
        }
    }
}
