import Foundation

/// Counts effects in sliding windows, and says which rule has to be paused.
struct FuseBox: Sendable {
    /// One effect, however often it is tried.
    struct Effect: Sendable, Hashable, Codable {
        var invocation: String
        /// Its place in the invocation's journal.
        var position: Int
    }

    /// What is counted together.
    enum Group: Sendable, Hashable {
        case conversation(String)
        case rule(String)
        case number(String)
        case stops(rule: String)
    }

    struct Blown: Sendable, Hashable {
        var group: Group
        var rate: FuseRate
        /// The rule with the most effects in the window: the one that is paused.
        var rule: String

        /// For logs, listings and whoever has to decide: what was too much.
        var reason: String {
            switch group {
            case .conversation(let id):
                "fuse: more than \(rate) sends and reactions in conversation \(id) (policy.fuses.conversation)"
            case .rule: "fuse: more than \(rate) sends and reactions by this rule (policy.fuses.rule)"
            case .number(let number): "fuse: more than \(rate) sends and reactions from \(number) (policy.fuses.number)"
            case .stops: "fuse: stopped more than \(rate) for using up a limit (policy.fuses.stops)"
            }
        }
    }

    private struct Window {
        var entries: [(at: Date, rule: String, effect: Effect)] = []
        var known: Set<Effect> = []
        var first = 0

        var count: Int { entries.count - first }

        mutating func add(_ effect: Effect, of rule: String, at time: Date) {
            entries.append((time, rule, effect))
            known.insert(effect)
        }

        /// Forgets what left the window, and all if the clock was set back.
        mutating func slide(to time: Date, period: Duration) {
            if let last = entries.last, last.at > time { self = Window() }
            let start = time.addingTimeInterval(-(period / .seconds(1)))
            while first < entries.count, entries[first].at <= start {
                known.remove(entries[first].effect)
                first += 1
            }
            guard first > 64, first > entries.count / 2 else { return }
            entries.removeFirst(first)
            first = 0
        }

        /// The rule with the most entries; of equals `rule`, if it is one.
        func culprit(beside rule: String) -> String {
            let counts = entries[first...].reduce(into: [rule: 1]) { $0[$1.rule, default: 0] += 1 }
            let most = counts.values.max() ?? 0
            if counts[rule] == most { return rule }
            return counts.filter { $0.value == most }.keys.min() ?? rule
        }

        mutating func forget(_ rule: String) {
            entries = entries[first...].filter { $0.rule != rule }
            first = 0
            known = Set(entries.map(\.effect))
        }
    }

    private let fuses: Fuses
    private var windows: [Group: Window] = [:]
    private var sinceSweep = 0

    init(_ fuses: Fuses) { self.fuses = fuses }

    /// Counts an effect, unless it would blow a fuse.
    ///
    /// The window of a blown fuse forgets its culprit, so that it starts anew once the rule is resumed.
    ///
    /// - Returns: The fuse that it blew; then it counts nowhere. Asked again, it may pass, if another rule is to blame.
    mutating func admit(
        _ effect: Effect, of rule: String, conversation: String?, number: String?, at time: Date
    ) -> Blown? {
        let groups =
            [Group.rule(rule)] + [conversation.map(Group.conversation), number.map(Group.number)].compactMap { $0 }
        return count(effect, of: rule, in: groups, at: time)
    }

    /// Counts a run that was stopped for using up a limit.
    mutating func stopped(_ invocation: String, of rule: String, at time: Date) -> Blown? {
        count(Effect(invocation: invocation, position: 0), of: rule, in: [.stops(rule: rule)], at: time)
    }

    private mutating func count(_ effect: Effect, of rule: String, in groups: [Group], at time: Date) -> Blown? {
        sweep(at: time)
        var counting: [Group] = []
        for group in groups {
            guard let rate = rate(of: group) else { continue }
            windows[group, default: Window()].slide(to: time, period: rate.period)
            guard let window = windows[group], !window.known.contains(effect) else { continue }
            if window.count >= rate.count {
                let culprit = window.culprit(beside: rule)
                windows[group]?.forget(culprit)
                return Blown(group: group, rate: rate, rule: culprit)
            }
            counting.append(group)
        }
        for group in counting { windows[group]?.add(effect, of: rule, at: time) }
        return nil
    }

    private func rate(of group: Group) -> FuseRate? {
        switch group {
        case .conversation: fuses.conversation
        case .rule: fuses.rule
        case .number: fuses.number
        case .stops: fuses.stops
        }
    }

    /// Drops windows that have emptied, now and then: there may be one for each conversation.
    private mutating func sweep(at time: Date) {
        sinceSweep += 1
        guard sinceSweep >= 4096 else { return }
        sinceSweep = 0
        for (group, window) in windows {
            var window = window
            window.slide(to: time, period: rate(of: group)?.period ?? .zero)
            windows[group] = window.count == 0 ? nil : window
        }
    }
}
