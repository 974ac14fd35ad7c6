import Conversations
import Foundation
import Lua
import Packs

/// Turns a rule's `when` into a ``Filter``.
struct FilterReader {
    private static let shared = [
        "direction", "channel", "from", "to", "agent", "number", "metadata", "hours", "body", "pattern",
    ]

    /// Source: AgentPhone guide "Conversations", message fields; its API reference for the last two.
    private static let channels = ["sms", "mms", "imessage", "voice", "whatsapp", "rcs"]

    var trigger: ConversationEvent.Kind
    /// Makes the problem for a key of the file.
    var problem: (_ message: String, _ key: String?) -> RuleProblem

    /// Keys that mean something for the trigger.
    private var keys: [String] {
        switch trigger {
        case .message: Self.shared + ["media", "first", "own"]
        case .reaction: Self.shared + ["reaction"]
        case .callEnded: Self.shared
        }
    }

    /// - Throws: ``RuleProblem``, the first there is.
    func read(_ value: LuaValue?) throws(RuleProblem) -> Filter {
        var problems: [RuleProblem] = []
        let filter = read(value, problems: &problems)
        if let first = problems.first { throw first }
        return filter
    }

    /// Reads what can be read.
    ///
    /// - Parameter problems: Gets whatever is wrong with the rest.
    func read(_ value: LuaValue?, problems: inout [RuleProblem]) -> Filter {
        var filter = Filter()
        guard let value else { return filter }
        guard case .object(let fields) = value else {
            if case .array(let items) = value, items.isEmpty { return filter }
            problems.append(
                problem("when must be a table of conditions, such as { channel = \"imessage\" }", "when"))
            return filter
        }
        for key in fields.keys.sorted() {
            do throws(RuleProblem) {
                try check(key)
                try read(key, fields[key] ?? .nil, into: &filter)
            } catch {
                problems.append(error)
            }
        }
        return filter
    }

    private func check(_ key: String) throws(RuleProblem) {
        guard !keys.contains(key) else { return }
        if ["media", "first", "own", "reaction"].contains(key) {
            throw problem("when.\(key) means nothing with on = \"\(trigger.rawValue)\"", key)
        }
        throw problem("when.\(key) is not known\(NearestName.suggestion(for: key, among: keys))", key)
    }

    private func read(_ key: String, _ value: LuaValue, into filter: inout Filter) throws(RuleProblem) {
        switch key {
        case "direction": filter.direction = try direction(value)
        case "channel": filter.channel = try channels(value)
        case "from": filter.from = Set(try texts(key, value).map(ParticipantAddress.spelling))
        case "to": filter.to = Set(try texts(key, value).map(ParticipantAddress.spelling))
        case "agent": filter.agent = Set(try texts(key, value))
        case "number": filter.number = Set(try texts(key, value).map(ParticipantAddress.spelling))
        case "body": filter.body = try words(value)
        case "pattern": filter.patterns = try patterns(value)
        case "media": filter.media = try media(value)
        case "first": filter.first = try flag(key, value)
        case "own": filter.own = try flag(key, value)
        case "reaction": filter.reaction = try reactions(value)
        case "metadata": filter.metadata = try metadata(value)
        default: filter.hours = try hours(value)
        }
    }

    /// One string, or a list of them, of which any will do.
    ///
    /// - Parameter key: What it is called after `when.`; its last part is the key of the file.
    private func texts(_ key: String, _ value: LuaValue) throws(RuleProblem) -> [String] {
        let items: [LuaValue] =
            switch value {
            case .array(let items): items
            default: [value]
            }
        let texts = items.compactMap { item -> String? in
            guard case .string(let text) = item, !text.isEmpty else { return nil }
            return text
        }
        guard !texts.isEmpty, texts.count == items.count else {
            throw problem("when.\(key) must be a string that is not empty, or a list of such", Self.lastPart(of: key))
        }
        return texts
    }

    /// As ``texts(_:_:)``, each one of `allowed`.
    private func choices(_ key: String, _ value: LuaValue, among allowed: [String]) throws(RuleProblem) -> [String] {
        let texts = try texts(key, value)
        for text in texts where !allowed.contains(text) {
            throw problem(
                "when.\(key) = \"\(text)\" is not known\(NearestName.suggestion(for: text, among: allowed))",
                Self.lastPart(of: key))
        }
        return texts
    }

    private static func lastPart(of key: String) -> String {
        key.split(separator: ".").last.map(String.init) ?? key
    }

    private func direction(_ value: LuaValue) throws(RuleProblem) -> Set<Direction> {
        // Calls from a web page say so. Source: AgentPhone guide "Webhooks", `agent.call_ended`.
        let known = ["inbound", "outbound", "any"] + (trigger == .callEnded ? ["web"] : [])
        let texts = try choices("direction", value, among: known)
        return texts.contains("any") ? [] : Set(texts.map(Direction.init(rawValue:)))
    }

    /// Channels are an open set, but one that nearly is a known one is a slip.
    private func channels(_ value: LuaValue) throws(RuleProblem) -> Set<Channel> {
        let texts = try texts("channel", value)
        for text in texts where !Self.channels.contains(text) {
            guard let meant = NearestName.of(text, among: Self.channels) else { continue }
            throw problem("when.channel = \"\(text)\" is not known; did you mean \"\(meant)\"?", "channel")
        }
        return Set(texts.map(Channel.init(rawValue:)))
    }

    private func patterns(_ value: LuaValue) throws(RuleProblem) -> [String] {
        let patterns = try texts("pattern", value)
        for pattern in patterns {
            guard let flaw = PatternSyntax.problem(in: pattern) else { continue }
            throw problem("when.pattern = \"\(pattern)\" is malformed: \(flaw)", "pattern")
        }
        return patterns
    }

    private func reactions(_ value: LuaValue) throws(RuleProblem) -> Set<ReactionType> {
        Set(try choices("reaction", value, among: ReactionType.tapbacks.map(\.rawValue)).map(ReactionType.init))
    }

    private func words(_ value: LuaValue) throws(RuleProblem) -> Filter.Words {
        let texts = try texts("body", value)
        for text in texts where !WordMatcher.hasWords(text) {
            throw problem("when.body = \"\(text)\" holds no word to look for; use pattern for punctuation", "body")
        }
        return Filter.Words(texts)
    }

    private func media(_ value: LuaValue) throws(RuleProblem) -> Filter.Media {
        if case .boolean(let wanted) = value { return wanted ? .any : .none }
        let kinds = try choices("media", value, among: MediaKind.allCases.map(\.rawValue))
        return .kinds(Set(kinds.compactMap(MediaKind.init(rawValue:))))
    }

    private func flag(_ key: String, _ value: LuaValue) throws(RuleProblem) -> Bool {
        guard case .boolean(let flag) = value else { throw problem("when.\(key) must be true or false", key) }
        return flag
    }

    private func metadata(_ value: LuaValue) throws(RuleProblem) -> [String: Set<JSONValue>] {
        guard case .object(let fields) = value else {
            throw problem("when.metadata must be a table of keys and values", "metadata")
        }
        var wanted: [String: Set<JSONValue>] = [:]
        for (key, value) in fields {
            let items: [LuaValue] = if case .array(let items) = value { items } else { [value] }
            let values = items.compactMap { $0.scalar }
            guard !values.isEmpty, values.count == items.count else {
                throw problem(
                    "when.metadata.\(key) must be a string, a number, true, false, json.null, or a list of these", key)
            }
            wanted[key] = Set(values)
        }
        return wanted
    }

    private func hours(_ value: LuaValue) throws(RuleProblem) -> OpeningHours {
        let known = ["from", "to", "zone", "days"]
        guard case .object(let fields) = value else {
            throw problem("when.hours must be a table, such as { from = \"09:00\", to = \"17:00\" }", "hours")
        }
        for key in fields.keys.sorted() where !known.contains(key) {
            throw problem("when.hours.\(key) is not known\(NearestName.suggestion(for: key, among: known))", key)
        }
        func minutes(_ key: String) throws(RuleProblem) -> Int {
            guard case .string(let text) = fields[key], let minutes = OpeningHours.minutes(text) else {
                throw problem("when.hours.\(key) must be a time of day, such as \"09:00\"", "hours")
            }
            return minutes
        }
        return OpeningHours(
            from: try minutes("from"), to: try minutes("to"), zone: try zone(fields["zone"]),
            days: try days(fields["days"]))
    }

    private func zone(_ value: LuaValue?) throws(RuleProblem) -> TimeZone {
        guard let value else { return .gmt }
        guard case .string(let name) = value else {
            throw problem("when.hours.zone must be a time zone's name, such as \"Europe/Berlin\"", "zone")
        }
        guard let zone = TimeZone(identifier: name) else {
            let meant = NearestName.of(name, among: TimeZone.knownTimeZoneIdentifiers)
            let hint = meant.map { "; did you mean \"\($0)\"?" } ?? "; one is called \"Europe/Berlin\""
            throw problem("when.hours.zone = \"\(name)\" is no time zone\(hint)", "zone")
        }
        return zone
    }

    private func days(_ value: LuaValue?) throws(RuleProblem) -> Set<Int> {
        guard let value else { return Set(1...7) }
        let names = try choices("hours.days", value, among: OpeningHours.dayNames)
        return Set(names.compactMap { OpeningHours.dayNames.firstIndex(of: $0).map { $0 + 1 } })
    }
}

extension LuaValue {
    /// A string, number, boolean or null as JSON.
    fileprivate var scalar: JSONValue? {
        switch self {
        case .null: .null
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .string(let value): .string(value)
        default: nil
        }
    }
}
