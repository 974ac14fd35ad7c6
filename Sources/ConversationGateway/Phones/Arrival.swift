import Conversations
import Foundation
import GRDB

/// Something sent from a phone, whose form is right; whether it arrives only the database tells.
struct Arrival: Sendable {
    private var sender: String
    private var recipient: String?
    private var group: String?
    private var body: String
    private var media: [String]
    private var replyTo: Message.ID?

    init(_ text: PhoneText, rule: MediaURLRule) throws(APIError) {
        sender = try SimulatedPhones.address(text.from, field: "from").text
        if let to = text.to { recipient = try SimulatedPhones.address(to, field: "to").text }
        try checkText(text.body, field: "body")
        guard !text.body.isEmpty || !text.media.isEmpty else { throw .invalid("body", "may be empty only with media") }
        guard text.media.count <= 20 else { throw .invalid("media", "must hold at most 20 URLs") }
        for url in text.media { try rule.check(url, field: "media") }
        (group, body, media, replyTo) = (text.group, text.body, text.media, text.replyTo)
    }

    func carryOut(_ database: Database, composer: EventComposer, at now: Timestamp) throws -> PhoneDelivery {
        let number = try NumberTable.find(database, phoneNumberOrFirst: recipient)
        if try PhoneTable.find(database, address: sender) == nil {
            try PhoneTable.put(
                database, SimulatedPhone(address: sender, imessage: true, createdAt: now.wholeMilliseconds))
        }
        let channel = try OutboundChannel.choose(database, number: number, to: sender, hasMedia: !media.isEmpty)
        var conversation = try thread(database, with: number, at: now)
        let target = try replyTarget(database, in: conversation, links: composer.links)
        var messages: [Message] = []
        for (index, (body, media)) in parts(on: channel).enumerated() {
            let target = index == 0 && channel == .imessage ? target : nil
            var stored = try MessageTable.append(
                database, to: &conversation,
                MessageDraft(
                    direction: .inbound, channel: channel, from: sender, to: number.phoneNumber, body: body,
                    mediaURLs: media, replyTo: target?.messageID, sender: group == nil ? nil : sender),
                at: now, links: composer.links)
            stored.message.replyTo = target
            try composer.deliver(database, message: stored, of: conversation, at: now)
            messages.append(stored.message)
        }
        return PhoneDelivery(conversationID: conversation.conversation.id, messages: messages)
    }

    private func thread(
        _ database: Database, with number: StoredNumber, at now: Timestamp
    ) throws -> StoredConversation {
        guard let group else {
            return try ConversationTable.findOrInsert(database, number: number, participant: sender, at: now)
        }
        let found = try ConversationTable.find(database, numberRow: number.row, participant: group)
        guard let found, found.conversation.isWith(sender) else { throw APIError.notFound("Group") }
        return found
    }

    private func replyTarget(
        _ database: Database, in conversation: StoredConversation, links: MediaLinks
    ) throws -> ReplyTarget? {
        guard let replyTo else { return nil }
        guard let target = try MessageTable.find(database, id: replyTo, links: links),
            target.conversationRow == conversation.row
        else { throw APIError.notFound("Reply target", code: "REPLY_TARGET_NOT_FOUND") }
        return ReplyTarget(
            messageID: target.message.id, message: target.message.body, mediaURLs: target.message.mediaURLs)
    }

    private func parts(on channel: Channel) -> [(body: String, media: [String])] {
        guard channel == .imessage, media.count > 1 else { return [(body, media)] }
        return media.map { ("", [$0]) } + (body.isEmpty ? [] : [(body, [])])
    }
}

extension Conversation {
    /// Whether this address takes part.
    func isWith(_ address: String) -> Bool {
        group?.participants.contains { $0.identifier == address } ?? (participant == address)
    }
}
