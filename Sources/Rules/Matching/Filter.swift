import Conversations
import Foundation

/// A rule's `when`: every condition must hold, each by any of its values. Judged without entering Lua.
struct Filter: Sendable, Hashable {
    enum Media: Sendable, Hashable {
        case any, none
        case kinds(Set<MediaKind>)
    }

    /// Empty means any direction.
    var direction: Set<Direction> = [.inbound]
    /// Whether messages that this host sent itself count too, where outbound ones do.
    var own = false
    var channel: Set<Channel>?
    var body: Words?
    var media: Media?
    var from: Set<String>?
    var to: Set<String>?
    var agent: Set<String>?
    /// By phone number or by the number's id.
    var number: Set<String>?
    /// By key, the values of which any will do; `null` stands for a key that is missing.
    var metadata: [String: Set<JSONValue>]?
    var first: Bool?
    var reaction: Set<ReactionType>?
    var hours: OpeningHours?
    /// Lua patterns; judged by Lua, after all else.
    var patterns: [String]?

    /// Words to find, with the text they were written as.
    struct Words: Sendable, Hashable {
        var texts: [String]
        var matcher: WordMatcher

        init(_ texts: [String]) {
            self.texts = texts
            matcher = WordMatcher(texts)
        }
    }

    /// Why the filter turns an event away, in words for the rule's author; nil if it lets it pass.
    ///
    /// ``patterns`` are not looked at here.
    func refusal(of event: ConversationEvent) -> String? {
        Self.conditions.lazy.compactMap { $0(self, event) }.first
    }

    private static let conditions: [@Sendable (Filter, ConversationEvent) -> String?] = [
        { $0.refusalByDirection($1) }, { $0.refusalByChannel($1) }, { $0.refusalByReaction($1) },
        { $0.refusalByMedia($1) }, { $0.refusalByAddress($1) }, { $0.refusalByBody($1) }, { $0.refusalByFirst($1) },
        { $0.refusalByMetadata($1) }, { $0.refusalByHours($1) },
    ]

    private func refusalByDirection(_ event: ConversationEvent) -> String? {
        guard !direction.isEmpty, !direction.contains(event.direction) else { return nil }
        return "direction is \(event.direction), not \(Self.list(direction.map(\.rawValue)))"
    }

    private func refusalByChannel(_ event: ConversationEvent) -> String? {
        guard let channel else { return nil }
        if let actual = event.channel, channel.contains(actual) { return nil }
        return "channel is \(event.channel?.rawValue ?? "not known"), not \(Self.list(channel.map(\.rawValue)))"
    }

    private func refusalByReaction(_ event: ConversationEvent) -> String? {
        guard let reaction, let actual = event.reaction?.reactionType, !reaction.contains(actual) else { return nil }
        return "reaction is \(actual), not \(Self.list(reaction.map(\.rawValue)))"
    }

    private func refusalByMedia(_ event: ConversationEvent) -> String? {
        guard let media else { return nil }
        let kinds = (event.message?.attachments ?? []).map { $0.kind ?? .file }
        switch media {
        case .any: return kinds.isEmpty ? "there is no media" : nil
        case .none: return kinds.isEmpty ? nil : "there is media (\(Self.list(kinds.map(\.rawValue))))"
        case .kinds(let wanted):
            if kinds.contains(where: wanted.contains) { return nil }
            let wish = Self.list(wanted.map(\.rawValue))
            return kinds.isEmpty
                ? "there is no media, let alone \(wish)" : "media is \(Self.list(kinds.map(\.rawValue))), not \(wish)"
        }
    }

    private func refusalByAddress(_ event: ConversationEvent) -> String? {
        if let from, !from.contains(event.sender) { return "from is \(event.sender), not \(Self.list(from))" }
        if let to, !to.contains(event.recipient) { return "to is \(event.recipient), not \(Self.list(to))" }
        let conversation = event.conversation
        if let agent, !agent.contains(conversation.agent ?? "") {
            return "agent is \(conversation.agent ?? "not known"), not \(Self.list(agent))"
        }
        if let number, !number.contains(conversation.number), !number.contains(conversation.numberID ?? "") {
            return "number is \(conversation.number), not \(Self.list(number))"
        }
        return nil
    }

    private func refusalByBody(_ event: ConversationEvent) -> String? {
        guard let body, !body.matcher.matches(event.text) else { return nil }
        return "the text has none of: \(Self.list(body.texts))"
    }

    private func refusalByFirst(_ event: ConversationEvent) -> String? {
        guard let first, first != (event.isFirst ?? false) else { return nil }
        return first ? "it is not the conversation's first message" : "it is the conversation's first message"
    }

    private func refusalByMetadata(_ event: ConversationEvent) -> String? {
        guard let metadata else { return nil }
        for (key, wanted) in metadata.sorted(by: { $0.key < $1.key }) {
            let actual = event.conversation.metadata?[key] ?? .null
            if wanted.contains(where: { $0.isEqual(to: actual) }) { continue }
            return "metadata.\(key) is \(actual.shown), not \(Self.list(wanted.map(\.shown)))"
        }
        return nil
    }

    private func refusalByHours(_ event: ConversationEvent) -> String? {
        guard let hours, let date = event.occurredAt?.date, !hours.contain(date) else { return nil }
        return "it came outside the hours"
    }

    private static func list(_ items: some Sequence<String>) -> String { items.sorted().joined(separator: ", ") }
}

extension JSONValue {
    /// Equality by which 1 and 1.0 are one, as in Lua.
    fileprivate func isEqual(to other: JSONValue) -> Bool {
        if let left = double, let right = other.double { return left == right }
        return self == other
    }

    /// The value as a person would write it.
    var shown: String {
        switch self {
        case .null: "not set"
        case .string(let text): "\"\(text)\""
        default: (try? text()).map { String(decoding: $0, as: UTF8.self) } ?? "?"
        }
    }
}
