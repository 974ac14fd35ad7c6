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
        let refusal = refusalBeforeText(of: event) ?? refusalByBody(event) ?? refusalAfterText(of: event)
        return refusal.map { $0.beginning + (endings[$0.condition] ?? "") }
    }

    /// The same filter without what looks at the text.
    var withoutText: Filter {
        var filter = self
        filter.body = nil
        filter.patterns = nil
        return filter
    }

    /// What is judged before ``body``, in the order in which reasons are given.
    func refusalBeforeText(of event: ConversationEvent) -> FilterRefusal? {
        refusalByDirection(event) ?? refusalByChannel(event) ?? refusalByReaction(event) ?? refusalByMedia(event)
            ?? refusalByAddress(event)
    }

    /// What is judged after ``body``.
    func refusalAfterText(of event: ConversationEvent) -> FilterRefusal? {
        refusalByFirst(event) ?? refusalByMetadata(event) ?? refusalByHours(event)
    }

    /// Why a text is turned away that has none of the words.
    static let noWords = FilterRefusal("body", "the text has none of: ")

    /// What the reason of each condition ends with.
    var endings: [String: String] {
        var endings: [String: String] = [:]
        if !direction.isEmpty { endings["direction"] = Self.list(direction.map(\.rawValue)) }
        endings["channel"] = channel.map { Self.list($0.map(\.rawValue)) }
        endings["reaction"] = reaction.map { Self.list($0.map(\.rawValue)) }
        if case .kinds(let wanted)? = media { endings["media"] = Self.list(wanted.map(\.rawValue)) }
        endings["from"] = from.map { Self.list($0) }
        endings["to"] = to.map { Self.list($0) }
        endings["agent"] = agent.map { Self.list($0) }
        endings["number"] = number.map { Self.list($0) }
        endings["body"] = body.map { Self.list($0.texts) }
        for (key, wanted) in metadata ?? [:] { endings["metadata.\(key)"] = Self.list(wanted.map(\.shown)) }
        return endings
    }

    private func refusalByDirection(_ event: ConversationEvent) -> FilterRefusal? {
        guard !direction.isEmpty, !direction.contains(event.direction) else { return nil }
        return FilterRefusal("direction", "direction is \(event.direction), not ")
    }

    private func refusalByChannel(_ event: ConversationEvent) -> FilterRefusal? {
        guard let channel else { return nil }
        if let actual = event.channel, channel.contains(actual) { return nil }
        return FilterRefusal("channel", "channel is \(event.channel?.rawValue ?? "not known"), not ")
    }

    private func refusalByReaction(_ event: ConversationEvent) -> FilterRefusal? {
        guard let reaction, let actual = event.reaction?.reactionType, !reaction.contains(actual) else { return nil }
        return FilterRefusal("reaction", "reaction is \(actual), not ")
    }

    private func refusalByMedia(_ event: ConversationEvent) -> FilterRefusal? {
        guard let media else { return nil }
        let kinds = (event.message?.attachments ?? []).map { $0.kind ?? .file }
        let actual = Self.list(kinds.map(\.rawValue))
        switch media {
        case .any: return kinds.isEmpty ? FilterRefusal("any media", "there is no media") : nil
        case .none: return kinds.isEmpty ? nil : FilterRefusal("no media", "there is media (\(actual))")
        case .kinds(let wanted):
            if kinds.contains(where: wanted.contains) { return nil }
            return FilterRefusal(
                "media", kinds.isEmpty ? "there is no media, let alone " : "media is \(actual), not ")
        }
    }

    private func refusalByAddress(_ event: ConversationEvent) -> FilterRefusal? {
        if let from, !from.contains(ParticipantAddress.spelling(of: event.sender)) {
            return FilterRefusal("from", "from is \(event.sender), not ")
        }
        if let to, !to.contains(ParticipantAddress.spelling(of: event.recipient)) {
            return FilterRefusal("to", "to is \(event.recipient), not ")
        }
        let conversation = event.conversation
        if let agent, !agent.contains(conversation.agent ?? "") {
            return FilterRefusal("agent", "agent is \(conversation.agent ?? "not known"), not ")
        }
        if let number, !number.contains(ParticipantAddress.spelling(of: conversation.number)),
            !number.contains(conversation.numberID ?? "")
        {
            return FilterRefusal("number", "number is \(conversation.number), not ")
        }
        return nil
    }

    private func refusalByBody(_ event: ConversationEvent) -> FilterRefusal? {
        guard let body, !body.matcher.matches(event.text) else { return nil }
        return Self.noWords
    }

    private func refusalByFirst(_ event: ConversationEvent) -> FilterRefusal? {
        guard let first, first != (event.isFirst ?? false) else { return nil }
        return FilterRefusal(
            "first", first ? "it is not the conversation's first message" : "it is the conversation's first message")
    }

    private func refusalByMetadata(_ event: ConversationEvent) -> FilterRefusal? {
        guard let metadata else { return nil }
        for (key, wanted) in metadata.sorted(by: { $0.key < $1.key }) {
            let actual = event.conversation.metadata?[key] ?? .null
            if wanted.contains(where: { $0.isEqual(to: actual) }) { continue }
            return FilterRefusal("metadata.\(key)", "metadata.\(key) is \(actual.shown), not ")
        }
        return nil
    }

    private func refusalByHours(_ event: ConversationEvent) -> FilterRefusal? {
        guard let hours, let date = event.occurredAt?.date, !hours.contain(date) else { return nil }
        return FilterRefusal("hours", "it came outside the hours")
    }

    private static func list(_ items: some Sequence<String>) -> String { items.sorted().joined(separator: ", ") }
}

/// Why a filter turns an event away: the event's part of the reason. ``Filter/endings`` has the rule's.
struct FilterRefusal: Sendable, Hashable {
    var condition: String
    var beginning: String

    init(_ condition: String, _ beginning: String) {
        self.condition = condition
        self.beginning = beginning
    }
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
