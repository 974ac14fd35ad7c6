public import Conversations

extension ConversationEvent {
    /// What a webhook delivery says; nil for deliveries that rules don't see (voice turns, unknown events).
    public init?(_ event: WebhookEvent) {
        switch event.content {
        case .message(let data):
            self.init(
                kind: .message,
                conversation: Self.snapshot(
                    data.conversationID, inbound: data.direction != .outbound, from: data.from, to: data.to,
                    numberID: data.numberID, event),
                message: MessageFields(
                    id: data.messageID, body: data.message, fromNumber: data.from, toNumber: data.to,
                    direction: data.direction, channel: event.channel,
                    attachments: data.mediaURLs.map { Attachment(url: $0) }, receivedAt: data.receivedAt,
                    senderIdentifier: data.senderIdentifier))
        case .reaction(let data):
            var conversation = Self.snapshot(
                data.conversationID, inbound: true, from: data.fromNumber, to: "", numberID: data.numberID, event)
            // Some payloads of reactions leave the metadata out, and none has the number.
            conversation.hasMetadata = event.conversationState != nil
            self.init(
                kind: .reaction, conversation: conversation,
                reaction: ReactionFields(
                    reactionType: data.reactionType, fromNumber: data.fromNumber, direction: data.direction,
                    channel: event.channel, messageID: data.messageID, messageBody: data.messageBody,
                    messageMediaURL: data.messageMediaURL, createdAt: data.createdAt))
        case .callEnded(let data):
            // A call belongs to no conversation of the API: it gets one of its own, so that calls don't wait for
            // each other.
            self.init(
                kind: .callEnded,
                conversation: Self.snapshot(
                    Conversation.ID("call:" + data.callID), inbound: true, from: data.from, to: data.to,
                    numberID: data.fields["numberId"]?.string, event),
                call: data.fields)
        case .voice, .other:
            return nil
        }
    }

    private static func snapshot(
        _ id: Conversation.ID, inbound: Bool, from: String, to: String, numberID: String?, _ event: WebhookEvent
    ) -> Snapshot {
        Snapshot(
            id: id, participant: inbound ? from : to, number: inbound ? to : from, numberID: numberID,
            agent: event.agentID, metadata: event.conversationState, hasMetadata: true)
    }

    /// A message that was read from the API.
    public init(_ message: Message, in conversation: Conversation) {
        self.init(
            kind: .message, conversation: Snapshot(conversation),
            message: MessageFields(
                id: message.id, body: message.body, fromNumber: message.fromNumber, toNumber: message.toNumber,
                direction: message.direction, channel: message.channel,
                attachments: message.mediaURLs.map { Attachment(url: $0) }, receivedAt: message.receivedAt,
                senderIdentifier: message.senderIdentifier))
    }

    /// A reaction that was read from the API with its message.
    public init(_ reaction: MessageReaction, on message: Message, in conversation: Conversation) {
        self.init(
            kind: .reaction, conversation: Snapshot(conversation),
            reaction: ReactionFields(
                reactionType: reaction.reactionType, fromNumber: reaction.fromNumber, direction: reaction.direction,
                channel: message.channel, messageID: message.id, messageBody: message.body,
                messageMediaURL: message.mediaURL, createdAt: reaction.createdAt))
    }
}

extension ConversationEvent.Snapshot {
    /// The conversation without its metadata, which may have changed since.
    init(_ conversation: Conversation) {
        self.init(
            id: conversation.id, participant: conversation.participant, number: conversation.phoneNumber,
            numberID: conversation.phoneNumberID, agent: conversation.agentID, metadata: nil, hasMetadata: false)
    }
}
