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
        try await send(PhoneText(from: from, to: to, group: group, body: body, media: media))
    }

    /// As ``send(from:to:body:media:group:)``; the first of what arrives answers ``PhoneText/replyTo``.
    @discardableResult
    public func send(_ text: PhoneText) async throws(APIError) -> PhoneDelivery {
        let arrival = try Arrival(text, rule: MediaURLRule(allowsHTTP: true, links: gateway.links))
        let composer = gateway.composer
        let now = gateway.timestamp
        let delivery = try await store.write { try arrival.carryOut($0, composer: composer, at: now) }
        gateway.deliverySignal.raise()
        return delivery
    }

    /// Starts a group of phones with a number of the project, by iMessage.
    ///
    /// - Parameters:
    ///   - members: 2 to 32 different addresses; those that nobody set up count as phones with iMessage.
    ///   - number: The project's oldest number if nil.
    public func startGroup(
        _ members: [String], with number: String? = nil, name: String? = nil
    ) async throws(APIError) -> SimulatedGroup {
        let number = try number.map { text throws(APIError) in try Self.address(text, field: "to").text }
        var addresses: [String] = []
        for member in members { addresses.append(try Self.address(member, field: "members").text) }
        guard (2...32).contains(addresses.count), Set(addresses).count == addresses.count else {
            throw .invalid("members", "must be 2 to 32 different phone numbers or e-mail addresses")
        }
        if let name { try checkText(name, field: "name") }
        let now = gateway.timestamp
        return try await store.write { [addresses] database in
            let number = try NumberTable.find(database, phoneNumberOrFirst: number)
            let isPossible = try addresses.allSatisfy { try PhoneTable.supportsIMessage(database, address: $0) }
            guard number.supportsIMessage, isPossible else {
                throw APIError.badRequest("A group needs iMessage on all sides.", code: "GROUP_REQUIRES_IMESSAGE")
            }
            let stored = try ConversationTable.insertGroup(database, number: number, members: addresses, at: now)
            if let name { try ConversationTable.setGroupName(database, row: stored.row, name) }
            let conversation = stored.conversation
            return SimulatedGroup(
                id: conversation.participant, conversationID: conversation.id, name: name, members: addresses)
        }
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

    /// Whether deliveries leave out of order.
    public func shufflesWebhooks() async throws(APIError) -> Bool {
        try await store.read { try SettingTable.shufflesWebhooks($0) }
    }

    /// Has each delivery wait for a random while of up to ``EventComposer/shuffleSpan``, so that they come out of order,
    /// which the provider may do as well.
    public func setShufflesWebhooks(_ value: Bool) async throws(APIError) {
        try await store.write { try SettingTable.setShufflesWebhooks($0, value) }
    }

    /// Switches deliveries off, to lose webhooks on purpose, and on again. What happens while they are off is never
    /// delivered; deliveries that were waiting go on.
    public func setDeliversWebhooks(_ value: Bool) async throws(APIError) {
        try await store.write { try SettingTable.setDeliversWebhooks($0, value) }
    }

    static func address(_ text: String, field: String) throws(APIError) -> ParticipantAddress {
        guard let address = ParticipantAddress(text), address.kind != .group else {
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
