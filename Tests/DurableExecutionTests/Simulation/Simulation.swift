import Foundation
import Logging
import Synchronization
import TestSupport

@testable import DurableExecution

/// A run of the engine through several lives, decided by a seed, with the promises checked at the end.
struct Simulation {
    /// Everything that isn't the engine: the provider who delivers events, and the upstream where effects take place.
    final class World: Sendable {
        private struct State {
            var random: SeededGenerator
            var isKind = false
            var isOut = false
            var isPaused = false
            var forgottenThrough: Int64 = 0
            var replays = 0
            /// What became of `once` commands, by event and position: whether they took place, if they were tried.
            var tried: [String: Bool] = [:]
            var undecided: Set<String> = []
            var violations: [String] = []
        }

        private let state: Mutex<State>

        init(seed: UInt64) { state = Mutex(State(random: SeededGenerator(seed: seed &+ 1))) }

        var violations: [String] { state.withLock { $0.violations } }

        func roll(_ sides: Int) -> Int { state.withLock { Int.random(in: 0..<sides, using: &$0.random) } }

        /// From now on everything works.
        func becomeKind() {
            state.withLock { state in
                state.isKind = true
                state.isOut = false
                state.isPaused = false
            }
        }

        var isKind: Bool { state.withLock { $0.isKind } }
        /// Whether nobody answers upstream.
        var isOut: Bool {
            get { state.withLock { $0.isOut } }
            set { state.withLock { $0.isOut = newValue } }
        }
        /// Whether the rule was paused for certain, and not resumed since.
        var isPaused: Bool {
            get { state.withLock { $0.isPaused } }
            set { state.withLock { $0.isPaused = newValue } }
        }
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

        func violate(_ what: String) { state.withLock { $0.violations.append(what) } }

        /// Somebody looks whether a command took place, and decides about it.
        func decide(_ key: String) -> Bool {
            state.withLock { state in
                state.undecided.remove(key)
                let tookPlace = state.tried[key] ?? false
                if !tookPlace { state.tried[key] = nil }
                return tookPlace
            }
        }

        func perform(_ command: Command, _ context: CommandContext) throws -> Data {
            let roll = roll(100)
            let isGone = context.event.queue == Simulation.forgottenQueue
            if isGone, context.event.sequence <= state.withLock({ $0.forgottenThrough }) {
                violate("\(command.name) of event \(context.event.sequence), which was forgotten")
            }
            if isOut { throw Self.silent }
            guard command.effect == .once else {
                if roll < 15, command.name == "tag", !state.withLock({ $0.isKind }) { throw Self.down }
                return Data("1".utf8)
            }
            return try state.withLock { try Self.performOnce(command, context, roll, &$0) }
        }

        private static let silent = CommandFailure(
            code: "refused", message: "refused", retryable: true, upstreamDown: true)
        private static let down = CommandFailure(code: "down", message: "down", retryable: true)
        private static let lost = CommandFailure(code: "lost", message: "no answer", outcomeUnknown: true)

        private static func performOnce(
            _ command: Command, _ context: CommandContext, _ roll: Int, _ state: inout State
        ) throws -> Data {
            let key = "\(context.event.sequence).\(context.position)"
            if state.undecided.contains(key) || state.tried[key] == true {
                state.violations.append("\(command.name) of event \(context.event.sequence) was tried again")
            }
            if !state.isKind {
                if roll < 10 { throw down }
                if roll < 25 {
                    state.undecided.insert(key)
                    state.tried[key] = roll < 18
                    throw lost
                }
            }
            state.tried[key] = true
            return Data("\"done\"".utf8)
        }
    }

    /// Which deliveries were answered.
    private final class Answers: Sendable {
        private let indices = Mutex<Set<Int>>([])
        func add(_ index: Int) { indices.withLock { _ = $0.insert(index) } }
        var all: Set<Int> { indices.withLock { $0 } }

        private let over = Mutex(false)
        func end() { over.withLock { $0 = true } }
        var isAllOver: Bool { over.withLock { $0 } }
    }

    struct Delivery {
        var event: NewEvent
        var isAccepted = false
    }

    static let forgottenQueue = "gone"
    static let rule: [Command] = [
        .ask("send").by("api"), .store(.increment(scope: "s", key: "count", by: .integer(1))),
        .wait(.seconds(600)), .wait(.seconds(600)), .repeatable("tag").by("api"), .once("thank").by("api"),
    ]

    let seed: UInt64
    let world: World
    let store: MemoryStore
    let handler = ScriptedHandler(Self.rule)
    let clock = ManualClock()
    let executor: SeededExecutor
    let pauses = Pauses()
    let notes = RememberedNotes()

    init(seed: UInt64, fault: MemoryStore.Fault? = nil) {
        self.seed = seed
        world = World(seed: seed)
        store = MemoryStore(fault: fault)
        executor = SeededExecutor(seed: seed)
        handler.performing = { [world] in try world.perform($0, $1) }
        handler.looking = { [world] _, context in
            // A look that finds it is an answer; one that doesn't is none.
            let key = "\(context.event.sequence).\(context.position)"
            return world.roll(2) == 0 && world.decide(key) ? Data("\"found\"".utf8) : nil
        }
        handler.scripts["short"] = ScriptedProgram.making([.once("post").by("api"), .once("post again")])
        handler.matching = { event in
            let rule = ["message": "rule", "note": "short"][event.kind]
            return Matching(starts: rule.map { [Start(rule: $0, version: "1")] } ?? [])
        }
        handler.permitting = { [world, pauses, clock] _, context in
            if let pause = pauses["rule:\(context.invocation.rule)"] {
                throw CommandFailure.held(Hold(key: pause.subject, reason: pause.reason))
            }
            if context.invocation.rule == "rule", world.isPaused { world.violate("performed while paused") }
            let roll = world.roll(100)
            guard roll < 10, !world.isKind else { return }
            let until = roll < 5 ? clock.date.addingTimeInterval(60) : nil
            throw CommandFailure.held(Hold(key: "k", reason: "held", until: until))
        }
        handler.preparing = { [world] event, _ in
            if world.isOut, world.roll(100) < 50 {
                throw EngineFailure("refused", retryable: true, upstream: "api")
            }
            if world.roll(100) < 10 { throw EngineFailure("down", retryable: true, retryAfter: .seconds(120)) }
            return .ready(payload: event.payload)
        }
    }

    /// - Returns: The promises that were broken.
    func run() async -> [String] {
        let violations = await withTaskExecutorPreference(executor) { await live() }
        executor.stop()
        return violations
    }

    private func live() async -> [String] {
        var deliveries = makeDeliveries()
        for _ in 0..<(2 + world.roll(3)) {
            await life(&deliveries, killedAfter: world.roll(150))
            store.crash()
            pauses.replace(by: [])
        }
        world.becomeKind()
        await life(&deliveries, killedAfter: .max)
        await audit(deliveries)
        return world.violations
    }

    private func makeDeliveries() -> [Delivery] {
        var deliveries: [Delivery] = []
        for index in 0..<(4 + world.roll(8)) {
            let queue = ["q", "other", "other", "other", Self.forgottenQueue][world.roll(5)]
            let kind = index == 0 || world.roll(3) == 0 ? "message" : "reply"
            let event = NewEvent(
                identities: ["e\(index)"], queue: queue, kind: queue == Self.forgottenQueue ? "note" : kind,
                source: "webhook", payload: Data("{}".utf8), occurredAt: clock.date)
            deliveries.append(Delivery(event: event))
            if world.roll(4) == 0 { deliveries.append(Delivery(event: event)) }
        }
        return deliveries
    }

    /// One process, from its start until it is killed or has nothing more to do.
    private func life(_ deliveries: inout [Delivery], killedAfter steps: Int) async {
        let killSwitch = KillSwitch(after: steps)
        handler.hook = { try await killSwitch.pass($0) }
        var configuration = EngineConfiguration()
        configuration.maintenanceInterval = nil
        let engine = Engine(
            store: StoppingStore(base: store, killSwitch: killSwitch), handler: handler, configuration: configuration,
            pauses: pauses, crashNotes: notes, clock: clock,
            now: { [clock] in clock.date }, random: { [world] in Double(world.roll(1000)) / 1000 },
            logger: Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() }))
        deliveries = await withTaskGroup(of: [Delivery]?.self) { [deliveries] group in
            group.addTask {
                try? await engine.run()
                return nil
            }
            group.addTask {
                let result = await provide(deliveries, to: engine, untilDead: killSwitch)
                killSwitch.bury()
                engine.shutdown()
                return result
            }
            var result = deliveries
            for await answer in group {
                if let answer {
                    result = answer
                    group.cancelAll()
                }
            }
            return result
        }
    }

    /// Delivers what was not accepted yet, and lets time pass.
    private func provide(_ deliveries: [Delivery], to engine: Engine, untilDead killSwitch: KillSwitch) async
        -> [Delivery]
    {
        let answers = Answers()
        await withTaskGroup(of: Void.self) { group in
            for index in deliveries.indices where !deliveries[index].isAccepted {
                group.addTask {
                    if (try? await engine.accept([deliveries[index].event])) != nil { answers.add(index) }
                }
                await executor.quiet()
                group.addTask { await operate(engine) }
                await letTimePass(rounds: world.roll(4))
                if killSwitch.deadlyPoint != nil { break }
            }
            for _ in 0..<1000 where killSwitch.deadlyPoint == nil && !answers.isAllOver {
                await letTimePass(rounds: 1)
                // Apart, since these write, and a write may be where the process dies.
                group.addTask { await operate(engine) }
                await executor.quiet()
                group.addTask { if await isAllOver(engine) { answers.end() } }
                await executor.quiet()
            }
            notes.kill()
            killSwitch.bury()
        }
        let accepted = answers.all
        return deliveries.enumerated().map { index, delivery in
            Delivery(event: delivery.event, isAccepted: delivery.isAccepted || accepted.contains(index))
        }
    }

    private func letTimePass(rounds: Int) async {
        for _ in 0..<rounds {
            await executor.quiet()
            if let next = clock.timeToNextDeadline { clock.advance(by: max(next, .milliseconds(1))) }
        }
        await executor.quiet()
    }

    /// Decides what is left to people; returns whether nothing is left at all.
    private func isAllOver(_ engine: Engine) async -> Bool {
        var filter = InvocationFilter()
        filter.states = Set(InvocationState.allCases.filter { $0 != .finished && $0 != .cancelled })
        let open = ((try? await store.invocations(filter)) ?? [])
            .filter { $0.state != .failed || $0.reason != "forgotten" }
        for invocation in open where invocation.state == .parked {
            if invocation.reason?.hasPrefix("quarantined: ") == true {
                _ = try? await engine.retry(invocation.id)
                continue
            }
            let position = (try? await store.journal(of: invocation.id).last?.position) ?? 0
            let tookPlace = world.decide("\(invocation.event).\(position)")
            _ = try? await engine.resolve(invocation.id, tookPlace ? .sent(outcome: Data("\"seen\"".utf8)) : .resend)
        }
        for invocation in open where invocation.state == .failed { _ = try? await engine.retry(invocation.id) }
        let events = (try? await store.events(EventFilter())) ?? []
        for event in events where event.state == .quarantined { _ = try? await engine.retry(event: event.sequence) }
        if world.isKind {
            for pause in (try? await store.pauses()) ?? [] { _ = try? await engine.resume(pause.subject) }
            _ = try? await engine.release("k")
        }
        return open.isEmpty && events.allSatisfy { !$0.state.isOpen && $0.state != .quarantined }
    }
}
