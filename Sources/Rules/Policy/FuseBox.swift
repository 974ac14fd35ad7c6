import Foundation

/// Counts effects in sliding windows, and says what has to wait, who may not be written to for a while, and which rule
/// has to be paused.
///
/// What is new and exceeds a rate is taken for something that went wrong. What was held up (quiet hours, a pause, an
/// upstream that was down) and comes all at once is not: it gets its turn within the rate, and blows no fuse.
struct FuseBox: Sendable {
    /// One effect, however often it is tried.
    struct Effect: Sendable, Hashable, Codable {
        var invocation: String
        /// Its place in the invocation's journal.
        var position: Int
    }

    /// An effect and whom it concerns.
    struct Request: Sendable, Hashable {
        var effect: Effect
        var rule: String
        /// Nil where nobody in particular is reached.
        var person: Person?
        var number: String?
        /// Whether the effect itself was held before.
        var wasHeld = false
        /// Whether its run was held before, or began long after its event came.
        var isCatchingUp = false
    }

    /// Whom a number writes to, whatever the conversation.
    struct Person: Sendable, Hashable {
        var participant: String
        /// Nil where it is not known.
        var number: String?
    }

    /// What is counted together.
    enum Group: Sendable, Hashable {
        case person(Person)
        case rule(String)
        case number(String)
        case stops(rule: String)
    }

    struct Blown: Sendable, Hashable {
        var group: Group
        var rate: FuseRate
        /// The rule with the most effects in the window: the one that is paused.
        var rule: String
    }

    /// A rule that sent a person too much, and sends them nothing for a while.
    struct Stop: Sendable, Hashable {
        var rule: String
        var person: Person
        var rate: FuseRate
        var until: Date
        /// How often in a row; each doubles the time.
        var times: Int
        var isNew = false
    }

    enum Verdict: Sendable, Hashable {
        case pass
        /// It is work that was held up, and has its turn then.
        case wait(until: Date, Group, FuseRate)
        /// Not sent, now or later.
        case stopped(Stop)
        /// The rule named, which is another, sends that person nothing for a while. Asked again the effect may pass.
        case othersStopped(Stop)
        /// The rule named is to be paused. Asked again the effect may pass, if another rule is to blame.
        case blown(Blown)
    }

    /// How many effects of a run that began late count as held up, for one person: a rule that runs wild does so in late
    /// runs too.
    static let lateEffects = 3
    static let longestStop: TimeInterval = 24 * 3600

    private struct StopKey: Hashable {
        var rule: String
        var person: Person
    }

    /// An effect's place in line.
    private struct Turn {
        var at: Date
        /// The groups for which it counts as held up.
        var late: Set<Group>
    }

    private let fuses: Fuses
    private var windows: [Group: FuseWindow] = [:]
    private var stops: [StopKey: Stop] = [:]
    /// When the last turn of those that was given out comes.
    private var lastTurns: [Group: Date] = [:]
    private var turns: [Effect: Turn] = [:]
    /// How many effects of runs that began late counted as held up, for people.
    private var lateUses: [String: Int] = [:]
    private var sinceSweep = 0

    init(_ fuses: Fuses) { self.fuses = fuses }

    /// Who is sent nothing now, by which rule; by the time at which that ends.
    func activeStops(at time: Date) -> [Stop] {
        stops.values.filter { $0.until > time }.sorted { ($0.until, $0.rule) < ($1.until, $1.rule) }
    }

    /// Counts an effect if it may happen now; else it counts nowhere.
    ///
    /// The window of a blown fuse forgets its culprit, so that it starts anew afterwards.
    mutating func admit(_ request: Request, at time: Date) -> Verdict {
        sweep(at: time)
        let groups =
            [Group.rule(request.rule)]
            + [request.person.map(Group.person), request.number.map(Group.number)].compactMap { $0 }
        for group in groups { slide(group, to: time) }
        let late = turns[request.effect]?.late ?? Set(groups.filter { isLate(request, for: $0, at: time) })
        if let stop = stop(for: request, at: time) {
            guard let person = request.person, late.contains(.person(person)) else { return .stopped(stop) }
            return wait(request, until: stop.until, .person(person), stop.rate, late)
        }
        let verdict = count(request, in: groups, late, at: time)
        guard case .blown(let blown) = verdict, case .person(let person) = blown.group else { return verdict }
        let stop = begin(StopKey(rule: blown.rule, person: person), blown.rate, at: time)
        return blown.rule == request.rule ? .stopped(stop) : .othersStopped(stop)
    }

    /// Counts a run that was stopped for using up a limit.
    mutating func stopped(_ invocation: String, of rule: String, at time: Date) -> Blown? {
        let group = Group.stops(rule: rule)
        let request = Request(effect: Effect(invocation: invocation, position: 0), rule: rule)
        slide(group, to: time)
        guard case .blown(let blown) = count(request, in: [group], [], at: time) else { return nil }
        return blown
    }

    // MARK: Counting

    private func isLate(_ request: Request, for group: Group, at time: Date) -> Bool {
        guard case .person = group else { return request.wasHeld || request.isCatchingUp }
        guard !request.wasHeld else { return true }
        return request.isCatchingUp && lateUses[request.effect.invocation, default: 0] < Self.lateEffects
    }

    private mutating func slide(_ group: Group, to time: Date) {
        guard let rate = rate(of: group) else { return }
        // A clock that was set back: what is known of later times is worth nothing.
        if windows[group, default: FuseWindow()].slide(to: time, period: rate.period) { lastTurns[group] = nil }
    }

    private mutating func count(
        _ request: Request, in groups: [Group], _ late: Set<Group>, at time: Date
    ) -> Verdict {
        let hasTurn = turns[request.effect] != nil
        var counting: [Group] = []
        var turn: (at: Date, group: Group, rate: FuseRate)?
        for group in groups {
            guard let rate = rate(of: group) else { continue }
            let window = windows[group, default: FuseWindow()]
            guard !window.knows(request.effect) else { continue }
            counting.append(group)
            let isLate = late.contains(group)
            if !isLate, window.count - window.lateCount >= rate.count {
                let culprit = window.culprit(beside: request.rule)
                windows[group]?.forget(culprit)
                return .blown(Blown(group: group, rate: rate, rule: culprit))
            }
            let isFull = window.count >= (isLate ? rate.lateCount : rate.count)
            let hasLine = isLate && !hasTurn && lastTurns[group].map { $0 > time } ?? false
            guard isFull || hasLine else { continue }
            let next = nextTurn(of: group, rate, hasTurn: hasTurn, at: time)
            if turn.map({ $0.at < next }) ?? true { turn = (next, group, rate) }
        }
        if let turn { return wait(request, until: turn.at, turn.group, turn.rate, late) }
        turns[request.effect] = nil
        for group in groups where !counting.contains(group) { windows[group]?.touch(request.effect, at: time) }
        for group in counting {
            windows[group, default: FuseWindow()].add(
                request.effect, of: request.rule, at: time, isLate: late.contains(group))
        }
        if request.isCatchingUp { lateUses[request.effect.invocation, default: 0] += 1 }
        return .pass
    }

    private mutating func wait(
        _ request: Request, until time: Date, _ group: Group, _ rate: FuseRate, _ late: Set<Group>
    ) -> Verdict {
        turns[request.effect] = Turn(at: time, late: late)
        return .wait(until: time, group, rate)
    }

    /// The next turn in line; one that had its turn and found no room is put off until there is some.
    private mutating func nextTurn(of group: Group, _ rate: FuseRate, hasTurn: Bool, at time: Date) -> Date {
        let gap = rate.seconds / Double(rate.lateCount)
        let room = windows[group]?.room(below: rate.lateCount, at: time, rate.period) ?? time
        guard !hasTurn else { return max(room, time.addingTimeInterval(gap)).nextWholeSecond(from: time) }
        let turn = max(room, lastTurns[group]?.addingTimeInterval(gap) ?? room)
        lastTurns[group] = turn
        return turn.nextWholeSecond(from: time)
    }

    // MARK: Stops

    private func stop(for request: Request, at time: Date) -> Stop? {
        guard let person = request.person, let rate = rate(of: .person(person)),
            let stop = stops[StopKey(rule: request.rule, person: person)], stop.until > time,
            // Not for longer than it was meant to be: the clock may have been set back.
            stop.until <= time.addingTimeInterval(Self.length(rate, times: stop.times)),
            windows[.person(person)]?.knows(request.effect) != true
        else { return nil }
        return stop
    }

    private static func length(_ rate: FuseRate, times: Int) -> TimeInterval {
        min(rate.seconds * Double(1 << min(times - 1, 20)), max(longestStop, rate.seconds))
    }

    private mutating func begin(_ key: StopKey, _ rate: FuseRate, at time: Date) -> Stop {
        let former = stops[key].flatMap { $0.until > time.addingTimeInterval(-Self.longestStop) ? $0 : nil }
        let times = (former?.times ?? 0) + 1
        var stop = Stop(
            rule: key.rule, person: key.person, rate: rate,
            until: time.addingTimeInterval(Self.length(rate, times: times)), times: times)
        stops[key] = stop
        stop.isNew = true
        return stop
    }

    // MARK: Rates

    private func rate(of group: Group) -> FuseRate? {
        switch group {
        case .person: fuses.conversation
        case .rule: fuses.rule
        case .number: fuses.number
        case .stops: fuses.stops
        }
    }

    /// Drops windows that have emptied and what is over, now and then: there may be one for each person.
    private mutating func sweep(at time: Date) {
        sinceSweep += 1
        guard sinceSweep >= 4096 else { return }
        sinceSweep = 0
        for (group, window) in windows {
            var window = window
            _ = window.slide(to: time, period: rate(of: group)?.period ?? .zero)
            windows[group] = window.count == 0 ? nil : window
        }
        if lateUses.count > 10_000 { lateUses = [:] }
        let past = time.addingTimeInterval(-3600)
        turns = turns.filter { $0.value.at > past }
        lastTurns = lastTurns.filter { $0.value > past }
        stops = stops.filter { $0.value.until > time.addingTimeInterval(-Self.longestStop) }
    }
}

extension FuseBox.Blown {
    /// For logs, listings and whoever has to decide: what was too much.
    var reason: String {
        switch group {
        case .person: "fuse: more than \(rate) sends and reactions to one person (policy.fuses.conversation)"
        case .rule: "fuse: more than \(rate) sends and reactions by this rule (policy.fuses.rule)"
        case .number(let number): "fuse: more than \(rate) sends and reactions from \(number) (policy.fuses.number)"
        case .stops: "fuse: stopped more than \(rate) for using up a limit (policy.fuses.stops)"
        }
    }
}

extension FuseRate {
    var seconds: Double { period / .seconds(1) }

    /// How many effects that were held up it lets pass: the rest is for what comes now.
    var lateCount: Int { max(count - count / 10, 1) }
}

extension Date {
    /// The end of the second that the time falls into, so that many go on together; the time itself if that is near `start`.
    fileprivate func nextWholeSecond(from start: Date) -> Date {
        let seconds = timeIntervalSince1970.rounded(.up)
        return timeIntervalSince(start) < 1 ? self : Date(timeIntervalSince1970: seconds)
    }
}
