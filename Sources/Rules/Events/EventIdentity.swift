public import Conversations

/// What makes two sightings of something one event.
///
/// A message is its id; a reaction is message, sender, type and second (one source may have fractions where another has
/// none); a call is its id. A delivery's id is an identity of its own, by which a repeated delivery of a payload without
/// message id is recognised.
public enum EventIdentity {
    public static func message(_ id: Message.ID) -> String { "message:" + id.rawValue }

    public static func reaction(
        _ type: ReactionType, on id: Message.ID, from sender: String, at time: Timestamp
    ) -> String {
        "reaction:\(id):\(sender):\(type):\(time.wholeSeconds)"
    }

    static func delivery(_ id: String) -> String { "delivery:" + id }

    /// Held by the one event whose payload, without message id, was found to tell of this message.
    static func finding(of id: Message.ID) -> String { "found:" + id.rawValue }

    static func of(_ event: ConversationEvent) -> String? {
        switch event.kind {
        case .message:
            event.message?.id.map(message)
        case .reaction:
            event.reaction.map { reaction in
                Self.reaction(
                    reaction.reactionType, on: reaction.messageID, from: reaction.fromNumber, at: reaction.createdAt)
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
    /// Payloads may be written less finely than the API's answers, so times are compared as finely as the coarser of
    /// the two.
    static func matches(_ message: Message, _ fields: ConversationEvent.MessageFields) -> Bool {
        message.direction == fields.direction && message.fromNumber == fields.fromNumber
            && message.body == fields.body && sameMedia(message, fields)
            && sameTime(message.receivedAt, fields.receivedAt)
    }

    private static func sameMedia(_ message: Message, _ fields: ConversationEvent.MessageFields) -> Bool {
        let told = fields.attachments.map { withoutQuery($0.url) }
        let known = message.mediaURLs.map(withoutQuery)
        return told == known || (told.count == 1 && told[0] == known.first)
    }

    /// A store's signature in a URL's query may differ from one sight to the next.
    private static func withoutQuery(_ url: String) -> Substring { url.prefix { $0 != "?" && $0 != "#" } }

    private static func sameTime(_ left: Timestamp, _ right: Timestamp) -> Bool {
        let unit = max(left.unit, right.unit)
        return left.microseconds / unit == right.microseconds / unit
    }
}

extension Timestamp {
    /// How finely the time was written, in microseconds: whole seconds, milliseconds, or microseconds.
    fileprivate var unit: Int64 { [1_000_000, 1000].first { microseconds % $0 == 0 } ?? 1 }

    /// Since 1970, rounded down.
    fileprivate var wholeSeconds: Int64 {
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return rest < 0 ? seconds - 1 : seconds
    }
}
