public import Conversations
import Foundation

extension Gateway: ConversationAPI {
    public func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        try Bounds.conversationLimit.check(limit)
        try Bounds.offset.check(offset)
        return try await store.read { try ConversationTable.page($0, limit: limit, offset: offset) }
    }

    public func conversation(
        _ id: Conversation.ID, messageLimit: Int
    ) async throws(APIError) -> ConversationDetail {
        try Bounds.messageLimitOfConversation.check(messageLimit)
        return try await store.read { [links] database in
            guard let stored = try ConversationTable.find(database, id: id) else {
                throw APIError.notFound("Conversation")
            }
            let page = try MessageTable.page(database, conversationRow: stored.row, limit: messageLimit, links: links)
            return ConversationDetail(conversation: stored.conversation, messages: page.data)
        }
    }

    public func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail {
        if let problem = update.metadataProblem { throw .invalid("metadata", problem) }
        if let name = update.groupName { try checkText(name, field: "group_name") }
        let stored = try await store.write { database in
            guard var stored = try ConversationTable.find(database, id: id) else {
                throw APIError.notFound("Conversation")
            }
            switch update.metadata {
            case .unchanged: break
            case .cleared: stored.conversation.metadata = nil
            case .replaced(let metadata): stored.conversation.metadata = metadata
            }
            if update.metadata != .unchanged {
                try ConversationTable.setMetadata(database, row: stored.row, stored.conversation.metadata)
            }
            if let name = update.groupName, stored.conversation.group != nil {
                stored.conversation.group?.name = name
                try ConversationTable.setGroupName(database, row: stored.row, name)
            }
            return stored
        }
        // Read beside the writer, which others wait for.
        let limit = Bounds.messageLimitOfConversation.fallback
        let messages = try await store.read { [links] database in
            try MessageTable.page(database, conversationRow: stored.row, limit: limit, links: links).data
        }
        return ConversationDetail(conversation: stored.conversation, messages: messages)
    }

    public func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        try Bounds.messageLimit.check(limit)
        return try await store.read { [links] database in
            guard let stored = try ConversationTable.find(database, id: id) else {
                throw APIError.notFound("Conversation")
            }
            return try MessageTable.page(
                database, conversationRow: stored.row, limit: limit, before: before, after: after, links: links)
        }
    }

    public func react(
        to id: Message.ID, with reaction: ReactionType
    ) async throws(APIError) -> ReactionReceipt {
        try checkTapback(reaction)
        let now = timestamp
        return try await store.write { [links] database in
            guard let stored = try MessageTable.find(database, id: id, links: links) else {
                throw APIError.notFound("Message")
            }
            let message = stored.message
            try checkReactions(to: message)
            let own = message.direction == .inbound ? message.toNumber : message.fromNumber
            let put = try ReactionTable.put(
                database, messageRow: stored.row, type: reaction, from: own, direction: .outbound, at: now)
            return ReactionReceipt(id: put.id, reactionType: reaction, messageID: id, channel: message.channel)
        }
    }

    /// On SMS the answer is 200 with the status `skipped`: the indicator is best effort and may be dropped silently.
    /// Source: AgentPhone API reference, typing indicator; it names no values of `status`, these are ours.
    public func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt {
        try await store.read { database in
            guard let stored = try ConversationTable.find(database, id: id),
                let number = try NumberTable.find(database, row: stored.numberRow)
            else { throw APIError.notFound("Conversation") }
            let channel = try OutboundChannel.choose(
                database, number: number, to: stored.conversation.participant, hasMedia: false)
            return TypingReceipt(
                conversationID: id, channel: channel, status: channel == .imessage ? "sent" : "skipped")
        }
    }

    public func webhook() async throws(APIError) -> Webhook? {
        try await webhook(.project)
    }

    public func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook {
        try await setWebhook(request, for: .project)
    }

    public func deleteWebhook() async throws(APIError) {
        try await deleteWebhook(for: .project)
    }
}

extension Gateway {
    func webhook(_ scope: WebhookScope) async throws(APIError) -> Webhook? {
        try await store.read { try WebhookTable.find($0, scope) }
    }

    /// Each call makes a new secret; id and `createdAt` stay, as the reference speaks of an update.
    func setWebhook(_ request: WebhookRequest, for scope: WebhookScope) async throws(APIError) -> Webhook {
        let contextLimit = request.contextLimit ?? Bounds.contextLimit.fallback
        let timeout = request.timeout ?? Bounds.timeout.fallback
        try Bounds.contextLimit.check(contextLimit)
        try Bounds.timeout.check(timeout)
        try checkText(request.url, field: "url")
        try await guardian.validate(url: request.url)
        let now = timestamp
        let webhook = try await store.write { database in
            let former = try WebhookTable.find(database, scope)
            let webhook = Webhook(
                id: former?.id ?? Webhook.ID(Names.id("wh", at: now.microseconds)), url: request.url,
                secret: Names.webhookSecret(), status: "active", contextLimit: contextLimit, timeout: timeout,
                createdAt: former?.createdAt ?? now.wholeMilliseconds)
            try WebhookTable.put(database, scope, webhook)
            return webhook
        }
        deliverySignal.raise()
        return webhook
    }

    /// Removing what isn't there succeeds as well: the outcome is the one asked for.
    func deleteWebhook(for scope: WebhookScope) async throws(APIError) {
        try await store.write { database in
            try WebhookTable.delete(database, scope)
            try DeliveryTable.abandon(database, scope)
        }
    }
}

/// 422 for other words: one version of the API reference has the six as an enumeration.
func checkTapback(_ reaction: ReactionType) throws(APIError) {
    guard ReactionType.tapbacks.contains(reaction) else {
        let words = ReactionType.tapbacks.map(\.rawValue).joined(separator: ", ")
        throw .invalid("reaction", "must be one of \(words)")
    }
}

/// Source: AgentPhone guide "Conversations": reacting to a message on an SMS number returns 400.
func checkReactions(to message: Message) throws(APIError) {
    guard message.channel?.supportsReactions == true else {
        throw .badRequest(
            "Reactions are an iMessage feature; this message is \(message.channel?.rawValue ?? "of no known channel").",
            code: "REACTIONS_UNSUPPORTED")
    }
}
