import Conversations
import GRDB

/// Turns what happened into deliveries, in the transaction in which it happened.
///
/// `recentHistory` holds what came before the message, oldest first, without the message itself: the documented samples
/// show only earlier entries.
struct EventComposer: Sendable {
    /// The longest that a delivery waits where deliveries are shuffled.
    static let shuffleSpan = Duration.seconds(2)

    /// Whether payloads carry `messageId`, `mediaUrls` and `contact`.
    var includesMessageIDs: Bool
    var links: MediaLinks

    /// - Parameter conversation: As it is with the message in it.
    func deliver(
        _ database: Database, message stored: StoredMessage, of conversation: StoredConversation, at now: Timestamp
    ) throws {
        let message = stored.message
        let contact = includesMessageIDs ? try ContactTable.find(database, address: message.fromNumber) : nil
        try deliver(database, stored, of: conversation, channel: message.channel, at: now) { thread in
            var data = WebhookMessage(
                conversationID: thread.id, numberID: thread.phoneNumberID,
                messageID: includesMessageIDs ? message.id : nil, from: message.fromNumber, to: message.toNumber,
                message: message.body, mediaURL: message.mediaURL, mediaURLs: message.mediaURLs,
                direction: message.direction, receivedAt: message.receivedAt,
                senderIdentifier: message.senderIdentifier, group: thread.group)
            data.replyTo = message.replyTo
            data.contact = contact.map(WebhookContact.init)
            return (WebhookEvent.messageEvent, message.receivedAt, .message(data))
        }
    }

    func deliver(
        _ database: Database, reaction: MessageReaction, to stored: StoredMessage, of conversation: StoredConversation,
        at now: Timestamp
    ) throws {
        let message = stored.message
        try deliver(database, stored, of: conversation, channel: message.channel, at: now) { thread in
            let data = WebhookReaction(
                conversationID: thread.id, numberID: thread.phoneNumberID, reactionType: reaction.reactionType,
                fromNumber: reaction.fromNumber, direction: reaction.direction, messageID: message.id,
                messageBody: message.body, messageMediaURL: message.mediaURL, createdAt: reaction.createdAt)
            return (WebhookEvent.reactionEvent, reaction.createdAt, .reaction(data))
        }
    }

    private func deliver(
        _ database: Database, _ stored: StoredMessage, of conversation: StoredConversation, channel: Channel?,
        at now: Timestamp, content: (Conversation) -> (event: String, at: Timestamp, WebhookEvent.Content)
    ) throws {
        guard try SettingTable.deliversWebhooks(database) else { return }
        let thread = conversation.conversation
        guard let target = try WebhookTable.target(database, agentID: thread.agentID) else { return }
        let (name, instant, content) = content(thread)
        let event = WebhookEvent(
            event: name, channel: channel, timestamp: instant, agentID: thread.agentID, content: content,
            conversationState: thread.metadata,
            recentHistory: try history(database, before: stored, limit: target.webhook.contextLimit))
        try DeliveryTable.insert(
            database,
            DeliveryDraft(
                scope: target.scope, event: event, messageID: stored.message.id, conversationRow: conversation.row),
            at: now, delay: try SettingTable.shufflesWebhooks(database) ? Self.randomDelay() : .zero)
    }

    private static func randomDelay() -> Duration {
        .milliseconds(Int64.random(in: 0...(shuffleSpan.components.seconds * 1000)))
    }

    private func history(_ database: Database, before stored: StoredMessage, limit: Int) throws -> [HistoryEntry] {
        guard limit > 0 else { return [] }
        let page = try MessageTable.page(
            database, conversationRow: stored.conversationRow, limit: limit, before: stored.message.receivedAt,
            links: links)
        return page.data.reversed().map { message in
            HistoryEntry(
                content: message.body, direction: message.direction, channel: message.channel, at: message.receivedAt,
                messageID: includesMessageIDs ? message.id : nil)
        }
    }
}

extension WebhookContact {
    fileprivate init(_ contact: Contact) {
        self.init(id: contact.id, name: contact.name, email: contact.email, phoneNumber: contact.phoneNumber)
    }
}
