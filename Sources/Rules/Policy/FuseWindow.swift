import Foundation

/// The effects of one group in the time that its rate is about.
struct FuseWindow: Sendable {
    private struct Entry {
        var at: Date
        var rule: String
        var effect: FuseBox.Effect
        /// Whether it was held up before.
        var isLate: Bool
    }

    private var entries: [Entry] = []
    private var known: Set<FuseBox.Effect> = []
    private var first = 0
    private(set) var lateCount = 0

    var count: Int { entries.count - first }

    func knows(_ effect: FuseBox.Effect) -> Bool { known.contains(effect) }

    mutating func add(_ effect: FuseBox.Effect, of rule: String, at time: Date, isLate: Bool) {
        entries.append(Entry(at: time, rule: rule, effect: effect, isLate: isLate))
        known.insert(effect)
        if isLate { lateCount += 1 }
    }

    /// Moves an effect that is tried again to the time at which it is.
    mutating func touch(_ effect: FuseBox.Effect, at time: Date) {
        guard let index = entries[first...].firstIndex(where: { $0.effect == effect }), entries[index].at < time else {
            return
        }
        var entry = entries.remove(at: index)
        entry.at = time
        entries.append(entry)
    }

    /// Forgets what left the window, and all if the clock was set back.
    ///
    /// - Returns: Whether it was.
    mutating func slide(to time: Date, period: Duration) -> Bool {
        let wasSetBack = entries.last.map { $0.at > time } ?? false
        if wasSetBack { self = FuseWindow() }
        let start = time.addingTimeInterval(-(period / .seconds(1)))
        while first < entries.count, entries[first].at <= start {
            known.remove(entries[first].effect)
            if entries[first].isLate { lateCount -= 1 }
            first += 1
        }
        guard first > 64, first > entries.count / 2 else { return wasSetBack }
        entries.removeFirst(first)
        first = 0
        return wasSetBack
    }

    /// When there are fewer than `limit`, if nothing more comes.
    func room(below limit: Int, at time: Date, _ period: Duration) -> Date {
        guard count >= limit else { return time }
        return entries[first + count - limit].at.addingTimeInterval(period / .seconds(1))
    }

    /// The rule with the most entries that were not held up; of equals `rule`, if it is one.
    func culprit(beside rule: String) -> String {
        let counts = entries[first...].reduce(into: [rule: 1]) { counts, entry in
            if !entry.isLate { counts[entry.rule, default: 0] += 1 }
        }
        let most = counts.values.max() ?? 0
        if counts[rule] == most { return rule }
        return counts.filter { $0.value == most }.keys.min() ?? rule
    }

    mutating func forget(_ rule: String) {
        entries = entries[first...].filter { $0.rule != rule }
        first = 0
        known = Set(entries.map(\.effect))
        lateCount = entries.count { $0.isLate }
    }
}
