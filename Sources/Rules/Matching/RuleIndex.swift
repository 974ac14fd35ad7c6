import Conversations
import DurableExecution

/// The rules in force for one trigger, arranged so that an event is judged by few of them.
///
/// Rules whose filters differ in nothing but their words make a class: all else is judged once for the class, and of
/// its words only those are looked at that begin with a word of the text.
final class RuleIndex: Sendable {
    struct Entry: Sendable {
        var pack: RulePack
        var rule: Rule
        /// The folder that the pack came from.
        var folder: String?
        /// The place in the order of the names, in which rules start.
        var rank: Int
    }

    private struct RuleClass: Sendable {
        /// What the rules have in common, without words.
        var filter: Filter
        /// Places of those without words, and then of those with some.
        var plain: Range<Int>
        var worded: Range<Int>
        /// Places of those with words, by the first word of each of their phrases.
        var byFirstWord: [String: [Int]]
    }

    /// Which rules an event is for, as far as filters tell, and which it is not.
    struct Sight {
        /// Places of the rules that let the event pass, in the order of their names.
        var admitted: [Int] = []
        fileprivate(set) var refused = RefusalGroups()
    }

    /// By class; what is kept of refusals counts in this order.
    let entries: [Entry]
    /// The same for what is kept.
    let list: RuleList
    private let classes: [RuleClass]

    /// - Parameters:
    ///   - packs: Packs in force.
    ///   - trigger: Whose rules are taken.
    ///   - folders: Where the packs came from, by their names.
    init(_ packs: [RulePack], for trigger: ConversationEvent.Kind, from folders: [String: String] = [:]) {
        var ranked: [Entry] = []
        for pack in packs.sorted(by: { $0.name < $1.name }) {
            for rule in pack.rules where rule.trigger == trigger {
                ranked.append(Entry(pack: pack, rule: rule, folder: folders[pack.name], rank: ranked.count))
            }
        }
        var places: [Filter: Int] = [:]
        var members: [(filter: Filter, plain: [Entry], worded: [Entry])] = []
        for entry in ranked {
            let common = entry.rule.filter.withoutText
            let place = places[common] ?? members.count
            if place == members.count {
                places[common] = place
                members.append((common, [], []))
            }
            if entry.rule.filter.body == nil {
                members[place].plain.append(entry)
            } else {
                members[place].worded.append(entry)
            }
        }
        var entries: [Entry] = []
        classes = members.map { member in
            let start = entries.count
            entries += member.plain + member.worded
            return RuleClass(
                filter: member.filter, plain: start..<start + member.plain.count,
                worded: start + member.plain.count..<entries.count,
                byFirstWord: Self.index(member.worded, from: start + member.plain.count))
        }
        self.entries = entries
        let versions = packs.map(\.version).sorted().map { $0.prefix(16) }.joined(separator: "+")
        list = RuleList(
            name: "\(trigger.rawValue):\(versions)",
            entries: entries.map { RuleList.Entry(rule: $0.rule.name, endings: $0.rule.filter.endings) })
    }

    private static func index(_ entries: [Entry], from start: Int) -> [String: [Int]] {
        var index: [String: [Int]] = [:]
        for (place, entry) in zip(start..., entries) {
            for word in Set(entry.rule.filter.body?.matcher.firstWords ?? []) { index[word, default: []].append(place) }
        }
        return index
    }

    /// Refusals in words by the rules that are wanted, each with the place of its rule in the order of the names.
    func refusals(
        _ refused: RefusalGroups, by isWanted: (Entry) -> Bool = { _ in true }
    ) -> [(rank: Int, refusal: Refusal)] {
        refused.grouped(in: list).groups.flatMap { group in
            group.ranges.joined().filter { isWanted(entries[$0]) }.map { place in
                let ending = list.entries[place].endings[group.condition] ?? ""
                return (entries[place].rank, Refusal(rule: list.entries[place].rule, reason: group.beginning + ending))
            }
        }
    }

    /// Judges an event by the filters, patterns aside.
    func look(at event: ConversationEvent) -> Sight {
        var sight = Sight()
        let words = WordMatcher.Text(event.text)
        for one in classes { look(at: event, words, one, &sight) }
        sight.admitted.sort { entries[$0].rank < entries[$1].rank }
        return sight
    }

    private func look(
        at event: ConversationEvent, _ words: WordMatcher.Text, _ one: RuleClass, _ sight: inout Sight
    ) {
        if let refusal = one.filter.refusalBeforeText(of: event) {
            sight.refused.add(refusal, one.plain.lowerBound..<one.worded.upperBound)
            return
        }
        let found = one.worded.isEmpty ? [] : found(words, one)
        var rest = one.worded.lowerBound
        for place in found + [one.worded.upperBound] {
            sight.refused.add(Filter.noWords, rest..<place)
            rest = place + 1
        }
        guard let refusal = one.filter.refusalAfterText(of: event) else {
            sight.admitted += Array(one.plain) + found
            return
        }
        sight.refused.add(refusal, one.plain)
        for place in found { sight.refused.add(refusal, place..<place + 1) }
    }

    /// Places of rules that have words of the text, in order.
    private func found(_ words: WordMatcher.Text, _ one: RuleClass) -> [Int] {
        var found: Set<Int> = []
        for word in words.distinct {
            for place in one.byFirstWord[word] ?? [] where !found.contains(place) {
                if entries[place].rule.filter.body?.matcher.matches(words) == true { found.insert(place) }
            }
        }
        return found.sorted()
    }
}

/// Refusals by filters, as they are found.
struct RefusalGroups {
    private var groups: [FilterRefusal: [Range<Int>]] = [:]
    /// What was added last, which mostly goes on.
    private var latest: (refusal: FilterRefusal, range: Range<Int>)?
    private(set) var count = 0

    mutating func add(_ refusal: FilterRefusal, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        count += range.count
        if let last = latest, last.range.upperBound == range.lowerBound, last.refusal == refusal {
            latest = (refusal, last.range.lowerBound..<range.upperBound)
        } else {
            close()
            latest = (refusal, range)
        }
    }

    private mutating func close() {
        guard let last = latest else { return }
        groups[last.refusal, default: []].append(last.range)
        latest = nil
    }

    /// As they are kept, of rules of `list`.
    func grouped(in list: RuleList) -> RefusedGroups {
        var all = self
        all.close()
        let sorted = all.groups.sorted { ($0.key.condition, $0.key.beginning) < ($1.key.condition, $1.key.beginning) }
        return RefusedGroups(
            list: list,
            groups: sorted.map {
                RefusedGroups.Group(condition: $0.key.condition, beginning: $0.key.beginning, ranges: $0.value)
            })
    }
}
