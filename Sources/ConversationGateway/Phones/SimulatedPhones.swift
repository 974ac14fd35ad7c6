public import Conversations
public import Foundation
import GRDB

/// The phones at the other end: what `/sim` does, in process.
///
/// A phone that nobody set up counts as one with iMessage; set it up to have it without.
public struct SimulatedPhones: Sendable {
    let gateway: Gateway

    private var store: GatewayStore { gateway.store }

    /// Sets up a phone, or changes whether it has iMessage.
    ///
    /// - Parameter address: A phone number in any usual format, or an e-mail address, which always has iMessage.
    @discardableResult
    public func add(_ address: String, imessage: Bool = true) async throws(APIError) -> SimulatedPhone {
        let address = try Self.address(address, field: "address")
        guard imessage || address.kind != .email else {
            throw .invalid("imessage", "must be true for an e-mail address: nothing but iMessage reaches one")
        }
        let now = gateway.timestamp.wholeMilliseconds
        return try await store.write { database in
            try PhoneTable.put(
                database, SimulatedPhone(address: address.text, imessage: imessage, createdAt: now))
            guard let phone = try PhoneTable.find(database, address: address.text) else {
                throw APIError.notFound("Phone")
            }
            return phone
        }
    }

    /// All phones, in the order of their making.
    public func list() async throws(APIError) -> [SimulatedPhone] {
        try await store.read { try PhoneTable.all($0) }
    }

    /// Sends from a phone to a number of the project, as iMessage where both can, else as SMS or MMS.
    ///
    /// Several attachments by iMessage are a carousel: each arrives as a message of its own, and the text as one after
    /// them. Source: AgentPhone guide "Conversations", "Media". By MMS they arrive together in one message.
    ///
    /// - Parameters:
    ///   - to: The project's oldest number if nil.
    ///   - media: URLs, up to 20.
    ///   - group: The id of a group that the phone is in, to write there instead.
    @discardableResult
    public func send(
        from: String, to: String? = nil, body: String = "", media: [String] = [], group: String? = nil
    ) async throws(APIError) -> PhoneDelivery {
        let sender = try Self.address(from, field: "from")
        let recipient = try to.map { text throws(APIError) in try Self.address(text, field: "to") }
        try checkText(body, field: "body")
        guard !body.isEmpty || !media.isEmpty else { throw .invalid("body", "may be empty only with media") }
        guard media.count <= 20 else { throw .invalid("media", "must hold at most 20 URLs") }
        let rule = MediaURLRule(allowsHTTP: true, links: gateway.links)
        for url in media { try rule.check(url, field: "media") }
        let arrival = Arrival(sender: sender.text, recipient: recipient?.text, group: group, body: body, media: media)
        let composer = gateway.composer
        let now = gateway.timestamp
        let delivery = try await store.write { try arrival.carryOut($0, composer: composer, at: now) }
        gateway.deliverySignal.raise()
        return delivery
    }

    /// Puts a tapback on a message of one of the phone's conversations.
    ///
    /// On a message that the agent sent, it fires `agent.reaction`. Source: AgentPhone guide "Conversations".
    @discardableResult
    public func react(
        from: String, to id: Message.ID, with reaction: ReactionType
    ) async throws(APIError) -> MessageReaction {
        let sender = try Self.address(from, field: "from").text
        try checkTapback(reaction)
        let composer = gateway.composer
        let now = gateway.timestamp
        let put = try await store.write { database in
            guard let stored = try MessageTable.find(database, id: id, links: composer.links),
                let conversation = try ConversationTable.find(database, row: stored.conversationRow),
                conversation.conversation.isWith(sender)
            else { throw APIError.notFound("Message") }
            try checkReactions(to: stored.message)
            let put = try ReactionTable.put(
                database, messageRow: stored.row, type: reaction, from: sender, direction: .inbound, at: now)
            if stored.message.direction == .outbound {
                try composer.deliver(database, reaction: put, to: stored, of: conversation, at: now)
            }
            return put
        }
        gateway.deliverySignal.raise()
        return put
    }

    /// What a phone shows: its latest messages with all of the project's numbers, newest first.
    ///
    /// - Parameter limit: 1 to 200.
    public func messages(of text: String, limit: Int = 50) async throws(APIError) -> [Message] {
        let address = try Self.address(text, field: "address").text
        try Bounds.messageLimit.check(limit)
        return try await store.read { [links = gateway.links] database in
            let messages = try ConversationTable.rows(database, participant: address).flatMap { row in
                try MessageTable.page(database, conversationRow: row, limit: limit, links: links).data
            }
            return Array(messages.sorted { $0.receivedAt > $1.receivedAt }.prefix(limit))
        }
    }

    /// Keeps media under its digest, to send from a phone or by the API.
    ///
    /// - Parameter contentType: What the bytes themselves don't tell; may be nil.
    public func upload(_ data: Data, contentType: String? = nil) async throws(APIError) -> UploadedMedia {
        let upload = try gateway.media.beginUpload(contentType: contentType)
        try upload.append(data)
        return try gateway.media.finish(upload, links: gateway.links)
    }

    /// Whether events become deliveries.
    public func deliversWebhooks() async throws(APIError) -> Bool {
        try await store.read { try SettingTable.deliversWebhooks($0) }
    }

    /// Switches deliveries off, to lose webhooks on purpose, and on again. What happens while they are off is never
    /// delivered; deliveries that were waiting go on.
    public func setDeliversWebhooks(_ value: Bool) async throws(APIError) {
        try await store.write { try SettingTable.setDeliversWebhooks($0, value) }
    }

    static func address(_ text: String, field: String) throws(APIError) -> PhoneAddress {
        guard let address = PhoneAddress(text) else {
            throw .invalid(field, "must be a phone number such as +15559876543, or an e-mail address")
        }
        return address
    }
}

extension Gateway {
    public var phones: SimulatedPhones { SimulatedPhones(gateway: self) }

    var composer: EventComposer {
        EventComposer(includesMessageIDs: configuration.webhookMessageIDs, links: links)
    }
}

/// Something sent from a phone.
private struct Arrival: Sendable {
    var sender: String
    var recipient: String?
    var group: String?
    var body: String
    var media: [String]

    func carryOut(_ database: Database, composer: EventComposer, at now: Timestamp) throws -> PhoneDelivery {
        let number =
            try recipient.map { try NumberTable.find(database, phoneNumber: $0) } ?? NumberTable.first(database)
        guard let number else { throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND") }
        if try PhoneTable.find(database, address: sender) == nil {
            try PhoneTable.put(
                database, SimulatedPhone(address: sender, imessage: true, createdAt: now.wholeMilliseconds))
        }
        let channel = try OutboundChannel.choose(database, number: number, to: sender, hasMedia: !media.isEmpty)
        var conversation = try thread(database, with: number, at: now)
        var messages: [Message] = []
        for (body, media) in parts(on: channel) {
            let stored = try MessageTable.append(
                database, to: &conversation,
                MessageDraft(
                    direction: .inbound, channel: channel, from: sender, to: number.phoneNumber, body: body,
                    mediaURLs: media, sender: group == nil ? nil : sender),
                at: now, links: composer.links)
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

    private func parts(on channel: Channel) -> [(body: String, media: [String])] {
        guard channel == .imessage, media.count > 1 else { return [(body, media)] }
        return media.map { ("", [$0]) } + (body.isEmpty ? [] : [(body, [])])
    }
}

extension Conversation {
    /// Whether this address takes part.
    fileprivate func isWith(_ address: String) -> Bool {
        group?.participants.contains { $0.identifier == address } ?? (participant == address)
    }
}
