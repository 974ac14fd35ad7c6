/// Refusals of many rules at once, kept small: which rules of a list did not start, and why, told by groups.
///
/// A host with thousands of rules would otherwise keep thousands of sentences with every event.
public struct RefusedGroups: Sendable, Hashable {
    /// Rules that did not start for the same reason, as far as the event has to do with it.
    public struct Group: Sendable, Hashable, Codable {
        /// Which of a rule's endings completes the reason; see ``RuleList/Entry``.
        public var condition: String
        /// What the reason begins with, the event's part of it.
        public var beginning: String
        /// Places in the list, in order, from the first to before the last of each pair.
        public var ranges: [Range<Int>]

        public init(condition: String, beginning: String, ranges: [Range<Int>]) {
            self.condition = condition
            self.beginning = beginning
            self.ranges = ranges
        }
    }

    public var list: RuleList
    public var groups: [Group]

    public init(list: RuleList, groups: [Group]) {
        self.list = list
        self.groups = groups
    }

    /// How many rules they are.
    public var count: Int { groups.reduce(0) { $0 + $1.ranges.reduce(0) { $0 + $1.count } } }

    /// One refusal for each rule, in the order of the list.
    public var refusals: [Refusal] {
        groups.flatMap { group in
            group.ranges.flatMap { range in
                range.clamped(to: list.entries.indices).map { place in
                    let entry = list.entries[place]
                    return Refusal(
                        rule: entry.rule, reason: group.beginning + (entry.endings[group.condition] ?? ""))
                }
            }
        }
    }
}

/// Rules as they were when an event was matched. Kept once for all events that were matched by the same rules.
public final class RuleList: Sendable, Hashable {
    public struct Entry: Sendable, Hashable, Codable {
        public var rule: String
        /// What a reason ends with, the rule's part of it, by the condition that turned the event away.
        public var endings: [String: String]

        public init(rule: String, endings: [String: String]) {
            self.rule = rule
            self.endings = endings
        }
    }

    /// Tells the list from any other: equal names have equal entries.
    public let name: String
    public let entries: [Entry]

    public init(name: String, entries: [Entry]) {
        self.name = name
        self.entries = entries
    }

    public static func == (left: RuleList, right: RuleList) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
