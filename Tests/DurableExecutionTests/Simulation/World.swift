import DurableExecution
import Foundation
import Synchronization
import TestSupport

/// Everything that isn't the engine: the provider who delivers events, the upstream where effects take place, the people,
/// and the judge who remembers what must not happen.
final class World: Sendable {
    private struct State {
        var random: SeededGenerator
        var isKind = false
        var isOut = false
        var isPaused = false
        var isFlaky = false
        var isCalm = false
        /// How far the wall clock is from where it should be.
        var skew: TimeInterval = 0
        var forgottenThrough: Int64 = 0
        var replays = 0
        var questions = 0
        /// What became of `once` commands, by event and position: whether they took place, if they were tried.
        var tried: [String: Bool] = [:]
        var undecided: Set<String> = []
        /// Commands that somebody looked for, and the upstream said that it doesn't know them.
        var answeredLooks: Set<String> = []
        /// Invocations in the order in which they began.
        var begun: [String] = []
        /// Events that lost their place in their queue, since a person had them run again.
        var displaced: Set<Int64> = []
        var touched: Set<String> = []
        var cancellable: Set<String> = []
        var woken: Set<String> = []
        var revived: Set<String> = []
        var hasPrunedAhead = false
        /// Increments that are in no journal any more.
        var cleared = 0
        /// Events of which a person allowed everything to be repeated.
        var repeatable: Set<Int64> = []
        /// What the cursor may be, and whether there is one for certain.
        var cursors: Set<String> = []
        var hasCursor = false
        var store: (any DurableStore)?
        var violations: [String] = []
    }

    private let state: Mutex<State>
    private let clock: ManualClock

    init(seed: UInt64, clock: ManualClock) {
        state = Mutex(State(random: SeededGenerator(seed: seed &+ 1)))
        self.clock = clock
    }

    var violations: [String] { state.withLock { $0.violations } }

    func violate(_ what: String) { state.withLock { $0.violations.append(what) } }

    func roll(_ sides: Int) -> Int { state.withLock { Int.random(in: 0..<sides, using: &$0.random) } }

    func pick<Element>(_ elements: [Element]) -> Element? { elements.isEmpty ? nil : elements[roll(elements.count)] }

    /// The store of the process that lives, as it is.
    var store: (any DurableStore)? {
        get { state.withLock { $0.store } }
        set { state.withLock { $0.store = newValue } }
    }

    // MARK: Fate

    /// From now on everything works.
    func becomeKind() {
        state.withLock { state in
            state.isKind = true
            state.isOut = false
            state.isPaused = false
            // A clock that is hours off is set right by somebody; minutes may stay.
            if abs(state.skew) > 3600 { state.skew = 0 }
        }
    }

    /// From now on no clock is set and no call of the store fails.
    func becomeCalm() {
        state.withLock { state in
            state.isCalm = true
            state.isFlaky = false
        }
    }

    var isKind: Bool { state.withLock { $0.isKind } }
    var isCalm: Bool { state.withLock { $0.isCalm } }
    /// Whether nobody answers upstream.
    var isOut: Bool {
        get { state.withLock { $0.isOut } }
        set { state.withLock { $0.isOut = newValue } }
    }
    /// Whether calls of the store fail now and then.
    var isFlaky: Bool {
        get { state.withLock { $0.isFlaky } }
        set { state.withLock { $0.isFlaky = newValue } }
    }
    /// Whether the rule was paused for certain, and not resumed since.
    var isPaused: Bool {
        get { state.withLock { $0.isPaused } }
        set { state.withLock { $0.isPaused = newValue } }
    }
    var skew: TimeInterval { state.withLock { $0.skew } }
    /// The wall time as the machine shows it.
    var date: Date { clock.date.addingTimeInterval(state.withLock { $0.skew }) }

    /// Sets the wall clock forward or back, by a millisecond or a year.
    ///
    /// - Returns: By how much.
    @discardableResult
    func step() -> TimeInterval {
        let sizes: [TimeInterval] = [0.001, 0.5, 5, 59, 61, 3600]
        let size = (pick(isKind ? sizes : sizes + [86_400, 31_536_000]) ?? 0) * (roll(2) == 0 ? -1 : 1)
        state.withLock { $0.skew += size }
        return size
    }

    // MARK: People

    /// Whether an event may be replayed; a few are.
    func takeReplay() -> Bool {
        state.withLock { state in
            state.replays += 1
            return state.replays <= 2
        }
    }

    /// The events of the forgotten queue up to this one were forgotten.
    func forgot(through sequence: Int64) {
        state.withLock { $0.forgottenThrough = max($0.forgottenThrough, sequence) }
    }

    func mayBeCancelled(_ id: String) { state.withLock { _ = $0.cancellable.insert(id) } }
    var cancellable: Set<String> { state.withLock { $0.cancellable } }

    func wakes(_ id: String) { state.withLock { _ = $0.woken.insert(id) } }
    var woken: Set<String> { state.withLock { $0.woken } }

    /// A person has a dead letter go on; returns whether it is the first time.
    func revives(_ id: String) -> Bool { state.withLock { $0.revived.insert(id).inserted } }

    /// Somebody deletes what is old; a clock that is a year ahead makes all of it so.
    func prunes() { state.withLock { $0.hasPrunedAhead = $0.hasPrunedAhead || $0.skew > 86_400 } }
    var hasPrunedAhead: Bool { state.withLock { $0.hasPrunedAhead } }

    /// A person had an invocation start anew that had counted.
    func clears(_ increments: Int) { state.withLock { $0.cleared += increments } }
    var cleared: Int { state.withLock { $0.cleared } }

    /// A person had the invocation go on, whatever its mode says.
    func touches(_ id: String) { state.withLock { _ = $0.touched.insert(id) } }
    var touched: Set<String> { state.withLock { $0.touched } }

    func displaces(_ event: Int64) { state.withLock { _ = $0.displaced.insert(event) } }
    var displaced: Set<Int64> { state.withLock { $0.displaced } }

    func allowsRepeats(of event: Int64) { state.withLock { _ = $0.repeatable.insert(event) } }

    func mayRepeat(_ event: Int64) -> Bool { state.withLock { $0.repeatable.contains(event) } }

    /// Whether a command of the event took place, or may have.
    func mayHaveDone(_ event: Int64) -> Bool {
        state.withLock { state in
            let isOfEvent = { (key: String) in key.hasPrefix("\(event).") }
            return state.undecided.contains(where: isOfEvent) || state.tried.contains { isOfEvent($0.key) && $0.value }
        }
    }

    /// Somebody asks something of the engine, and gets an answer.
    func asks() { state.withLock { $0.questions += 1 } }
    func isAnswered() { state.withLock { $0.questions -= 1 } }
    var questions: Int { state.withLock { $0.questions } }

    func setsCursor(to value: String) { state.withLock { _ = $0.cursors.insert(value) } }
    /// A cursor was kept: nothing before it may be found there any more.
    func cursorIs(_ value: String) {
        state.withLock { state in
            state.cursors = [value]
            state.hasCursor = true
        }
    }
    func mayBeCursor(_ value: String?) -> Bool {
        state.withLock { state in value.map(state.cursors.contains) ?? !state.hasCursor }
    }

    /// Somebody looks whether a command took place, and decides about it.
    func decide(_ key: String) -> Bool {
        state.withLock { state in
            state.undecided.remove(key)
            let tookPlace = state.tried[key] ?? false
            if !tookPlace { state.tried[key] = nil }
            return tookPlace
        }
    }

    // MARK: The upstream

    func begins(_ id: String) {
        state.withLock { if !$0.begun.contains(id) { $0.begun.append(id) } }
    }
    var begun: [String] { state.withLock { $0.begun } }

    /// The engine looks whether a command took place. Only finding it is an answer.
    func look(_ key: String) throws -> Data? {
        if isOut, Adversity.usual.contains(.looks) { throw Self.silent }
        let roll = roll(2)
        return state.withLock { state in
            guard roll == 0, state.tried[key] == true else {
                state.answeredLooks.insert(key)
                return nil
            }
            state.undecided.remove(key)
            return Data("\"found\"".utf8)
        }
    }

    func wasLookedFor(_ key: String) -> Bool { state.withLock { $0.answeredLooks.contains(key) } }

    func perform(_ command: Command, _ context: CommandContext) async throws -> Data {
        let roll = roll(100)
        let event = context.event.sequence
        if context.event.queue == Simulation.forgottenQueue, event <= state.withLock({ $0.forgottenThrough }) {
            violate("\(command.name) of event \(event), which was forgotten")
        }
        guard command.upstream != nil else { return try performHere(command, context) }
        if isOut {
            if roll < 20 { try await clock.sleep(for: .seconds(20)) }
            throw Self.silent
        }
        guard command.effect == .once else {
            if roll < 15, !isKind { throw Self.down }
            return Data("1".utf8)
        }
        return try await performOnce("\(event).\(context.position)", command, event, roll)
    }

    /// What needs nobody else always takes place.
    private func performHere(_ command: Command, _ context: CommandContext) throws -> Data {
        guard command.effect == .once else { return Data("1".utf8) }
        let key = "\(context.event.sequence).\(context.position)"
        refuseRepetition(key, command, context.event.sequence)
        state.withLock { $0.tried[key] = true }
        return Data("\"done\"".utf8)
    }

    private static let silent = CommandFailure(
        code: "refused", message: "refused", retryable: true, upstreamDown: true)
    private static let down = CommandFailure(code: "down", message: "down", retryable: true)
    private static let lost = CommandFailure(code: "lost", message: "no answer", outcomeUnknown: true)

    private func refuseRepetition(_ key: String, _ command: Command, _ event: Int64) {
        state.withLock { state in
            guard state.undecided.contains(key) || state.tried[key] == true, !state.repeatable.contains(event) else {
                return
            }
            state.violations.append("\(command.name) of event \(event) was tried again")
        }
    }

    private func performOnce(_ key: String, _ command: Command, _ event: Int64, _ roll: Int) async throws -> Data {
        refuseRepetition(key, command, event)
        let isLost = roll < 25 && !isKind
        if isLost, roll < 10 { throw Self.down }
        // From here on until it answers, nobody knows.
        state.withLock { state in
            state.undecided.insert(key)
            state.tried[key] = !isLost || roll < 18
        }
        if roll >= 85 { try await clock.sleep(for: .seconds(roll - 84)) }
        if isLost { throw Self.lost }
        state.withLock { _ = $0.undecided.remove(key) }
        return Data("\"done\"".utf8)
    }
}
