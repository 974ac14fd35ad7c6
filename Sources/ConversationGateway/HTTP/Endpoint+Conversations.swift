import Conversations
import HTTPTypes

extension Endpoint {
    static let conversations = [
        Endpoint(.get, "/v1/conversations", "listConversations") { call throws(APIError) in
            let limit = try call.integer(Bounds.conversationLimit)
            let offset = try call.integer(Bounds.offset)
            return try call.json(try await call.gateway.conversations(limit: limit, offset: offset))
        },
        Endpoint(.get, "/v1/conversations/{conversation_id}", "getConversation") { call throws(APIError) in
            let limit = try call.integer(Bounds.messageLimitOfConversation)
            return try call.json(try await call.gateway.conversation(call.conversationID, messageLimit: limit))
        },
        Endpoint(.patch, "/v1/conversations/{conversation_id}", "updateConversation") { call throws(APIError) in
            let update = try await call.body(ConversationUpdate.self)
            return try call.json(try await call.gateway.update(call.conversationID, with: update))
        },
        Endpoint(.get, "/v1/conversations/{conversation_id}/messages", "listMessages") { call throws(APIError) in
            let limit = try call.integer(Bounds.messageLimit)
            let before = try call.timestamp("before")
            let after = try call.timestamp("after")
            return try call.json(
                try await call.gateway.messages(in: call.conversationID, limit: limit, before: before, after: after))
        },
        Endpoint(.post, "/v1/conversations/{conversation_id}/typing", "showTyping") { call throws(APIError) in
            // The body is `{}` or nothing and says nothing either way; it is read so that its size is bounded.
            _ = try await call.bodyData(limit: Call.bodyByteLimit)
            return try call.json(try await call.gateway.showTyping(in: call.conversationID))
        },
    ]

    static let messages = [
        Endpoint(.post, "/v1/messages", "sendMessage") { call throws(APIError) in
            let request = try await call.body(SendRequest.self)
            return try call.json(try await call.gateway.send(request.message))
        },
        Endpoint(.post, "/v1/messages/{message_id}/reactions", "sendReaction") { call throws(APIError) in
            let request = try await call.body(ReactionRequest.self)
            let id = Message.ID(call.part("message_id"))
            return try call.json(try await call.gateway.react(to: id, with: request.reaction))
        },
    ]

    static let webhooks = [
        // Null, with 200, where none is set. Source: AgentPhone API reference, webhooks.
        Endpoint(.get, "/v1/webhooks", "getWebhook") { call throws(APIError) in
            try call.json(try await call.gateway.webhook())
        },
        Endpoint(.post, "/v1/webhooks", "setWebhook") { call throws(APIError) in
            let request = try await call.body(WebhookBody.self).request
            return try call.json(try await call.gateway.setWebhook(request))
        },
        Endpoint(.delete, "/v1/webhooks", "deleteWebhook") { call throws(APIError) in
            try await call.gateway.deleteWebhook()
            return try call.json(["success": true])
        },
    ]
}

extension Call {
    var conversationID: Conversation.ID { Conversation.ID(part("conversation_id")) }
}

private struct ReactionRequest: Decodable {
    var reaction: ReactionType
}

/// The body of `POST /v1/webhooks`.
struct WebhookBody: Decodable {
    var url: String
    var contextLimit: WholeNumber?
    var timeout: WholeNumber?

    var request: WebhookRequest {
        WebhookRequest(url: url, contextLimit: contextLimit?.value, timeout: timeout?.value)
    }
}

/// An integer of a body. Foundation names no field for numbers that no `Int` holds; this does.
struct WholeNumber: Decodable {
    var value: Int

    init(from decoder: any Decoder) throws {
        guard case .integer(let number) = try JSONValue(from: decoder) else {
            throw DecodingError.typeMismatch(
                Int.self, .init(codingPath: decoder.codingPath, debugDescription: "no whole number"))
        }
        value = Int(number)
    }
}

/// The body of `POST /v1/messages`, with the documented keys that ask for more than the gateway has.
private struct SendRequest: Decodable {
    var message: OutboundMessage

    private enum Key: String, CodingKey, CaseIterable {
        case channel, buttons, list, cta, template
    }

    init(from decoder: any Decoder) throws {
        message = try OutboundMessage(from: decoder)
        let container = try decoder.container(keyedBy: Key.self)
        for key in Key.allCases where container.contains(key) {
            guard try !container.decodeNil(forKey: key) else { continue }
            throw UnservedField(name: key.rawValue)
        }
    }
}

/// A field of a request that AgentPhone documents and the gateway leaves out.
struct UnservedField: Error {
    var name: String
}
