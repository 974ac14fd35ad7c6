import Conversations

/// What makes two sightings of something one event.
///
/// A message is its id; a reaction is message, sender, type and time; a call is its id. A delivery's id is an
/// identity of its own, by which a repeated delivery of a payload without message id is recognised.
enum EventIdentity {
    static func message(_ id: Message.ID) -> String { "message:" + id.rawValue }

    static func delivery(_ id: String) -> String { "delivery:" + id }

    static func of(_ event: ConversationEvent) -> String? {
        switch event.kind {
        case .message:
            event.message?.id.map(message)
        case .reaction:
            event.reaction.map { reaction in
                "reaction:\(reaction.messageID):\(reaction.fromNumber):\(reaction.reactionType):"
                    + "\(reaction.createdAt.microseconds)"
            }
        case .callEnded:
            event.call?["callId"]?.string.map { "call:" + $0 }
        }
    }

    /// What a payload without message id and without delivery id is recognised by.
    static func fingerprint(of event: ConversationEvent) -> String {
        guard let message = event.message else { return "" }
        let media = message.attachments.map(\.url).joined(separator: "\u{1F}")
        return [
            "fingerprint", event.conversation.id.rawValue, message.direction.rawValue, event.sender,
            String(message.receivedAt.microseconds), message.body, media,
        ].joined(separator: "\u{1E}")
    }

    /// Whether a message that was read from the API is what a payload without message id tells of.
    ///
    /// Payloads have whole seconds where the API may have fractions, so times are compared by the second where either
    /// is whole.
    static func matches(_ message: Message, _ fields: ConversationEvent.MessageFields) -> Bool {
        message.direction == fields.direction && message.fromNumber == fields.fromNumber
            && message.body == fields.body && sameMedia(message, fields)
            && sameTime(message.receivedAt, fields.receivedAt)
    }

    private static func sameMedia(_ message: Message, _ fields: ConversationEvent.MessageFields) -> Bool {
        let urls = fields.attachments.map(\.url)
        return urls == message.mediaURLs || (urls.count == 1 && urls[0] == message.mediaURL)
    }

    private static func sameTime(_ left: Timestamp, _ right: Timestamp) -> Bool {
        if left == right { return true }
        let second: Int64 = 1_000_000
        let hasWhole = left.microseconds % second == 0 || right.microseconds % second == 0
        return hasWhole && left.microseconds / second == right.microseconds / second
    }
}
