import Conversations
import Foundation
import HTTPTypes
import Hummingbird

extension Endpoint {
    static let simulation = [
        Endpoint(.get, "/sim/phones", "listPhones", access: .simulation) { call throws(APIError) in
            try call.json(["data": try await call.gateway.phones.list()])
        },
        Endpoint(.post, "/sim/phones", "addPhone", access: .simulation) { call throws(APIError) in
            let request = try await call.body(PhoneRequest.self)
            return try call.json(
                try await call.gateway.phones.add(request.address, imessage: request.imessage ?? true))
        },
        Endpoint(.get, "/sim/phones/{address}/messages", "listPhoneMessages", access: .simulation) {
            call throws(APIError) in
            let limit = try call.integer(Bounds.messageLimit)
            return try call.json([
                "data": try await call.gateway.phones.messages(of: call.part("address"), limit: limit)
            ])
        },
        Endpoint(.post, "/sim/messages", "sendFromPhone", access: .simulation) { call throws(APIError) in
            let request = try await call.body(PhoneMessageRequest.self)
            return try call.json(
                try await call.gateway.phones.send(
                    PhoneText(
                        from: request.from, to: request.to, group: request.group, body: request.body ?? "",
                        media: request.media ?? [], replyTo: request.replyTo)))
        },
        Endpoint(.post, "/sim/groups", "startSimulatedGroup", access: .simulation) { call throws(APIError) in
            let request = try await call.body(GroupRequest.self)
            return try call.json(
                try await call.gateway.phones.startGroup(request.members, with: request.to, name: request.name))
        },
        Endpoint(.post, "/sim/reactions", "reactFromPhone", access: .simulation) { call throws(APIError) in
            let request = try await call.body(PhoneReactionRequest.self)
            return try call.json(
                try await call.gateway.phones.react(
                    from: request.from, to: request.messageID, with: request.reaction))
        },
        Endpoint(.post, "/sim/media", "uploadMedia", access: .simulation) { call throws(APIError) in
            try call.json(try await call.receiveMedia())
        },
        Endpoint(.get, "/sim/webhooks", "getWebhookSwitch", access: .simulation) { call throws(APIError) in
            try call.json(try await call.webhookSwitch())
        },
        Endpoint(.put, "/sim/webhooks", "setWebhookSwitch", access: .simulation) { call throws(APIError) in
            let request = try await call.body(WebhookSwitch.self)
            if let deliver = request.deliver { try await call.gateway.phones.setDeliversWebhooks(deliver) }
            if let shuffle = request.shuffle { try await call.gateway.phones.setShufflesWebhooks(shuffle) }
            return try call.json(try await call.webhookSwitch())
        },
        Endpoint(.get, "/openapi.json", "getDescription", access: .open) { call throws(APIError) in
            try call.json(OpenAPIDocument.json)
        },
        Endpoint(.get, "/health", "getHealth", access: .open) { call throws(APIError) in
            try call.json(["status": "ok"])
        },
    ]
}

private struct PhoneRequest: Decodable {
    var address: String
    var imessage: Bool?
}

private struct PhoneMessageRequest: Decodable {
    var from: String
    var to: String?
    var body: String?
    var media: [String]?
    var group: String?
    var replyTo: Message.ID?

    private enum CodingKeys: String, CodingKey {
        case from, to, body, media, group
        case replyTo = "reply_to"
    }
}

private struct GroupRequest: Decodable {
    var members: [String]
    var to: String?
    var name: String?
}

private struct PhoneReactionRequest: Decodable {
    var from: String
    var messageID: Message.ID
    var reaction: ReactionType

    private enum CodingKeys: String, CodingKey {
        case from, reaction
        case messageID = "message_id"
    }
}

/// What a request leaves out stays as it is.
private struct WebhookSwitch: Codable {
    var deliver: Bool?
    var shuffle: Bool?
}

extension Call {
    fileprivate func webhookSwitch() async throws(APIError) -> WebhookSwitch {
        WebhookSwitch(
            deliver: try await gateway.phones.deliversWebhooks(), shuffle: try await gateway.phones.shufflesWebhooks())
    }

    /// Writes the raw body to the media store as it comes.
    fileprivate func receiveMedia() async throws(APIError) -> UploadedMedia {
        let media = gateway.media
        let upload = try media.beginUpload(contentType: request.headers[.contentType])
        do {
            for try await part in request.body { try upload.append(Data(part.readableBytesView)) }
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(.invalidRequest, "The body broke off: \(error)", status: 400, serverCode: "BAD_REQUEST")
        }
        return try media.finish(upload, links: gateway.links)
    }
}
