public import Conversations
import Foundation
import GRDB

extension Gateway {
    public func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage {
        let order = try SendOrder(message, rule: mediaRule, caps: configuration.sendCaps)
        let now = timestamp
        return try await store.write { [links] database in
            try order.carryOut(database, at: now, links: links)
        }
    }
}

/// Which channel a message takes: iMessage where both sides can, else MMS with media and SMS without.
///
/// Source: AgentPhone guide "Messages". The guide "Conversations" marks sending images for iMessage alone; later guides
/// send them by SMS as MMS, which is followed here.
enum OutboundChannel {
    static func choose(
        _ database: Database, number: StoredNumber, to address: String, hasMedia: Bool
    ) throws -> Channel {
        if number.supportsIMessage, try PhoneTable.supportsIMessage(database, address: address) { return .imessage }
        return hasMedia ? .mms : .sms
    }
}

/// A send whose form is right; whether it can be carried out only the database tells.
private struct SendOrder: Sendable {
    /// Source: AgentPhone API reference, "Send message", `send_style`.
    static let styles: Set<String> = [
        "celebration", "fireworks", "lasers", "love", "confetti", "balloons", "spotlight", "echo", "invisible",
        "gentle", "loud", "slam",
    ]

    enum Recipient: Sendable {
        case one(ParticipantAddress)
        case group(String)
        case newGroup([String])
    }

    var request: OutboundMessage
    var recipient: Recipient
    var media: [String]
    var caps: SendCaps

    init(_ request: OutboundMessage, rule: MediaURLRule, caps: SendCaps) throws(APIError) {
        self.request = request
        self.caps = caps
        guard request.fromNumber != nil || request.numberID != nil || request.agentID != nil else {
            throw .invalid("agent_id", "name the sender by agent_id, number_id or from_number")
        }
        recipient = try Self.recipient(of: request)
        media = try Self.media(of: request, rule: rule)
        try checkText(request.body, field: "body")
        guard !request.body.isEmpty || !media.isEmpty else { throw .invalid("body", "may be empty only with media") }
        if let style = request.sendStyle, !Self.styles.contains(style) {
            throw .invalid("send_style", "must be one of \(Self.styles.sorted().joined(separator: ", "))")
        }
    }

    /// One address, a group that there is, or 2 to 32 members of a new one.
    /// Source: AgentPhone API reference, "Send message".
    private static func recipient(of request: OutboundMessage) throws(APIError) -> Recipient {
        switch (request.toNumber, request.recipients) {
        case (nil, nil):
            // The wording of a production answer.
            throw APIError(
                .invalidRequest,
                "Value error, Provide to_number (an existing chat) or recipients (to start a group).", status: 422,
                serverCode: "VALIDATION_ERROR", field: "to_number")
        case (.some, .some): throw .invalid("recipients", "cannot be given together with to_number")
        case (let to?, nil) where to.hasPrefix("grp_"): return .group(to)
        case (let to?, nil):
            guard let address = ParticipantAddress(to) else {
                throw .invalid(
                    "to_number",
                    "must be a phone number such as +15551234567, a short code, an e-mail address, or a group's id")
            }
            return .one(address)
        case (nil, let members?):
            let addresses = members.compactMap { ParticipantAddress($0) }.filter(\.isPerson).map(\.text)
            guard addresses.count == members.count, (2...32).contains(members.count),
                Set(addresses).count == members.count
            else { throw .invalid("recipients", "must be 2 to 32 different phone numbers or e-mail addresses") }
            return .newGroup(addresses)
        }
    }

    /// The attachments. Sources: AgentPhone API reference: 1 to 20 https URLs, one key or the other, and an empty body
    /// with two or more, which make a carousel.
    private static func media(of request: OutboundMessage, rule: MediaURLRule) throws(APIError) -> [String] {
        guard request.mediaURL == nil || request.mediaURLs == nil else {
            throw .invalid("media_url", "cannot be given together with media_urls")
        }
        guard let urls = request.mediaURLs ?? request.mediaURL.map({ [$0] }) else { return [] }
        let field = request.mediaURLs == nil ? "media_url" : "media_urls"
        guard (1...20).contains(urls.count) else { throw .invalid(field, "must hold 1 to 20 URLs") }
        for url in urls { try rule.check(url, field: field) }
        guard urls.count == 1 || request.body.isEmpty else {
            throw .invalid("body", "must be empty with two or more media_urls")
        }
        return urls
    }

    func carryOut(_ database: Database, at now: Timestamp, links: MediaLinks) throws -> SentMessage {
        let number = try sender(database)
        let replyTarget = try replyTarget(database, links: links)
        var (conversation, channel) = try thread(database, with: number, at: now)
        let to = conversation.conversation.participant
        if let replyTarget, replyTarget.conversationRow != conversation.row {
            throw APIError.notFound("Reply target", code: "REPLY_TARGET_NOT_FOUND")
        }
        try caps.check(database, conversation, at: now)
        // What only iMessage has is dropped elsewhere, and the text still goes. Source: AgentPhone guide "Messages".
        let isIMessage = channel == .imessage
        let stored = try MessageTable.append(
            database, to: &conversation,
            MessageDraft(
                direction: .outbound, channel: channel, from: number.phoneNumber, to: to,
                body: request.body, mediaURLs: media, replyTo: isIMessage ? replyTarget?.message.id : nil,
                sendStyle: isIMessage ? request.sendStyle : nil),
            at: now, links: links)
        return SentMessage(
            id: stored.message.id, status: "sent", channel: channel, fromNumber: number.phoneNumber,
            toNumber: to, conversationID: conversation.conversation.id, mediaURLs: media,
            replyToMessageID: isIMessage ? replyTarget?.message.id : nil,
            replyParentUnresolved: isIMessage && replyTarget != nil ? false : nil)
    }

    /// The conversation to send in, made where it is new, and the channel; groups are on iMessage alone.
    private func thread(
        _ database: Database, with number: StoredNumber, at now: Timestamp
    ) throws -> (StoredConversation, Channel) {
        switch recipient {
        case .one(let address):
            let channel = try OutboundChannel.choose(
                database, number: number, to: address.text, hasMedia: !media.isEmpty)
            guard channel == .imessage || number.isRegisteredForSMS else { throw APIError.notRegistered(number) }
            let conversation = try ConversationTable.findOrInsert(
                database, number: number, participant: address.text, at: now)
            return (conversation, channel)
        case .group(let id):
            let found = try ConversationTable.find(database, numberRow: number.row, participant: id)
            guard let found, number.supportsIMessage else { throw APIError.notFound("Group") }
            return (found, .imessage)
        case .newGroup(let members):
            let isPossible = try members.allSatisfy { try PhoneTable.supportsIMessage(database, address: $0) }
            guard number.supportsIMessage, isPossible else {
                throw APIError.badRequest("A group needs iMessage on all sides.", code: "GROUP_REQUIRES_IMESSAGE")
            }
            return (try ConversationTable.insertGroup(database, number: number, members: members, at: now), .imessage)
        }
    }

    /// `from_number` counts most, then `number_id`, then the agent's first number.
    /// Source: AgentPhone API reference, "Send message".
    private func sender(_ database: Database) throws -> StoredNumber {
        if let text = request.fromNumber {
            let found = try ParticipantAddress(text).flatMap { try NumberTable.find(database, phoneNumber: $0.text) }
            guard let found else { throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND") }
            return found
        }
        if let id = request.numberID {
            guard let found = try NumberTable.find(database, id: id) else {
                throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND")
            }
            return found
        }
        let agent = request.agentID ?? ""
        guard try AgentTable.exists(database, id: agent) else { throw APIError.notFound("Agent") }
        guard let found = try NumberTable.first(database, ofAgent: agent) else {
            throw APIError.badRequest("The agent has no number to send from.", code: "AGENT_WITHOUT_NUMBER")
        }
        return found
    }

    /// An unknown target fails the whole send, as it was seen live.
    private func replyTarget(_ database: Database, links: MediaLinks) throws -> StoredMessage? {
        guard let id = request.replyToMessageID else { return nil }
        guard let target = try MessageTable.find(database, id: id, links: links) else {
            throw APIError.notFound("Reply target", code: "REPLY_TARGET_NOT_FOUND")
        }
        return target
    }
}

extension APIError {
    /// Source: AgentPhone guide "Conversations": outbound SMS requires 10DLC registration.
    static func notRegistered(_ number: StoredNumber) -> APIError {
        APIError(
            .forbidden,
            "\(number.phoneNumber) is not registered for SMS (10DLC), so it can send by iMessage only.",
            status: 403, serverCode: "REGISTRATION_REQUIRED")
    }
}

/// Which URLs may stand as attachments: https, this gateway's own media, and plain http where local targets are allowed.
struct MediaURLRule: Sendable {
    var allowsHTTP: Bool
    var links: MediaLinks

    func check(_ url: String, field: String) throws(APIError) {
        let parts = URLComponents(string: url)
        let isOwn = links.shortened(url) != url
        guard let scheme = parts?.scheme?.lowercased(), parts?.host?.isEmpty == false, url.utf8.count <= 2083,
            !url.utf8.contains(0), scheme == "https" || (scheme == "http" && (allowsHTTP || isOwn))
        else {
            throw .invalid(field, "must be \(allowsHTTP ? "http or https" : "https") URLs of at most 2083 characters")
        }
    }
}

extension Gateway {
    var mediaRule: MediaURLRule { MediaURLRule(allowsHTTP: configuration.allowsLocalWebhooks, links: links) }
}
