import Foundation
import Logging
import Synchronization
import TestSupport

@testable import DurableExecution

/// A run of the engine through several lives, decided by a seed, with the promises checked at the end.
///
/// A life is a process: it ends by being killed at any point of any call of the store or of the handler, by a graceful
/// stop, or by a stop that waits for nothing. In the last one the world is kind, and all has to come to an end.
struct Simulation: Sendable {
    enum End { case killed(after: Int), stopped, interrupted, over }

    /// How far a process came.
    enum Course { case worked, startFailed }

    struct Delivery {
        var event: NewEvent
        var wasSent = false
        var isAccepted = false
    }

    static let forgottenQueue = "gone"
    private static let stubborn = Adversity.usual.contains(.stubborn) ? "stubborn" : "note"

    let seed: UInt64
    let scenery: Scenery
    let world: World
    let disk: SimulatedDisk
    let fault: SimulatedFault?
    let handler = ScriptedHandler()
    let clock: ManualClock
    let executor: SeededExecutor
    let pauses = Pauses()
    let notes = RememberedNotes()

    init(seed: UInt64, on only: Scenery.Disk? = nil, fault: SimulatedFault? = nil) throws {
        self.seed = seed
        self.fault = fault
        scenery = Scenery(seed: seed, disk: fault?.disk ?? only)
        clock = ManualClock()
        world = World(seed: seed, clock: clock)
        disk = try SimulatedDisk(scenery.disk, fault: fault?.memoryFault)
        executor = SeededExecutor(seed: seed)
        world.isFlaky = scenery.isFlaky
        setUpHandler()
    }

    /// - Returns: The promises that were broken.
    func run() async -> [String] {
        let violations = await withTaskExecutorPreference(executor) { await live() }
        executor.stop()
        // It holds this simulation, which holds it.
        handler.starting = { _ in }
        return violations
    }

    private func live() async -> [String] {
        var deliveries = makeDeliveries()
        for _ in 0..<scenery.lives where !executor.hasSpun {
            _ = await life(&deliveries, until: drawEnd())
            disk.crash()
            pauses.replace(by: [])
        }
        world.becomeKind()
        // A process that can't read its store when it starts ends, and somebody starts it again.
        var starts = 1
        while await life(&deliveries, until: .over) == .startFailed, starts < 20 { starts += 1 }
        if executor.hasSpun { world.violate("something goes round in circles") }
        await audit(deliveries)
        return world.violations
    }

    private func drawEnd() -> End {
        switch world.roll(8) {
        case 0, 1: .stopped
        case 2: .interrupted
        default: .killed(after: world.roll(scenery.isCrowded ? 600 : 200))
        }
    }

    private func makeDeliveries() -> [Delivery] {
        var deliveries: [Delivery] = []
        for index in 0..<scenery.events {
            let (queue, kind) = index == 0 ? ("q", "message") : drawPlace()
            let event = NewEvent(
                identities: ["e\(index)"], queue: queue, kind: kind, source: "webhook", payload: Data("{}".utf8),
                occurredAt: clock.date)
            deliveries.append(Delivery(event: event))
            if world.roll(4) == 0 { deliveries.append(Delivery(event: event)) }
        }
        return deliveries
    }

    private func drawPlace() -> (queue: String, kind: String) {
        switch world.roll(scenery.isCrowded ? 24 : 12) {
        case 0, 1: (Self.forgottenQueue, "note")
        case 2: ("other", ["message", "note", Self.stubborn][world.roll(3)])
        case 3: ("q", "message")
        case 4, 5: ("modes", ["single", "restart", "queued", "debounce"][world.roll(4)])
        case 6: ("modes", ["single", "restart", "queued", "debounce"][Int(seed % 4)])
        case 7: ("q", Self.stubborn)
        default: ("q", ["reply", "reply", "note", "reply", "message"][world.roll(5)])
        }
    }

    // MARK: One life

    /// Which deliveries were answered.
    private final class Answers: Sendable {
        let indices = Mutex<Set<Int>>([])
    }

    /// What a life consists of.
    private struct Life {
        let engine: Engine
        let killSwitch: KillSwitch
        let end: End
        /// Whether the engine got to its work.
        let hasBegun = Switch()
        let hasEnded = Switch()
        let isBuried = Switch()
        /// Ends the engine's run without asking it.
        let interruption = Interruption()
    }

    /// One process, from its start until it ends or has nothing more to do.
    private func life(_ deliveries: inout [Delivery], until end: End) async -> Course {
        let steps = if case .killed(let steps) = end { steps } else { Int.max }
        let killSwitch = KillSwitch(after: steps)
        handler.hook = { try await killSwitch.pass($0) }
        guard let base = try? disk.open() else {
            world.violate("the store can't be opened")
            return .worked
        }
        if world.isKind { try? SimulatedDisk.fill(base, false) }
        let store = StoppingStore(base: base, killSwitch: killSwitch, conditions: conditions)
        world.store = base
        let inDoubt = await inDoubt()
        let engine = Engine(
            store: store, handler: handler, observer: self, configuration: scenery.configuration, pauses: pauses,
            crashNotes: notes, clock: engineClock,
            now: { [world] in world.date }, random: { [world] in Double(world.roll(1000)) / 1000 },
            logger: Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() }))
        let life = Life(engine: engine, killSwitch: killSwitch, end: end)
        deliveries = await withTaskGroup(of: [Delivery]?.self) { [deliveries] group in
            group.addTask {
                await life.interruption.ending { await run(life) }
                life.hasEnded.isOn = true
                return nil
            }
            group.addTask { await live(deliveries, life) }
            var result = deliveries
            for await answer in group {
                guard let answer else { continue }
                result = answer
                group.cancelAll()
            }
            return result
        }
        if case .stopped = end, killSwitch.deadlyPoint == nil, !executor.hasSpun {
            await auditStop(foundInDoubt: inDoubt)
        }
        return life.hasBegun.isOn ? .worked : .startFailed
    }

    private func run(_ life: Life) async {
        do {
            try await life.engine.run()
        } catch {
            guard life.hasBegun.isOn, !isOver(life), !life.isBuried.isOn else { return }
            world.violate("the engine gave up: \(error)")
        }
    }

    private var engineClock: any Clock<Duration> {
        if fault == .timersStopAfterStep { SteppedClock(base: clock, world: world) } else { clock }
    }

    private var conditions: StoreConditions {
        var conditions = StoreConditions(executor: disk.isOutside ? executor : nil, fault: fault)
        if scenery.isFlaky {
            conditions.fails = { [world] name in
                guard world.isFlaky, name != "takeOver", world.roll(40) == 0 else { return nil }
                return EngineError(.unavailable, "\(name) failed")
            }
        }
        return conditions
    }

    /// Delivers what was not accepted yet, lets time pass, and ends the life as it is to end.
    private func live(_ deliveries: [Delivery], _ life: Life) async -> [Delivery] {
        let answers = Answers()
        var deliveries = deliveries
        await withTaskGroup(of: Void.self) { group in
            for index in deliveries.indices where !deliveries[index].isAccepted {
                if !deliveries[index].wasSent { deliveries[index].event.occurredAt = world.date }
                deliveries[index].wasSent = true
                let event = deliveries[index].event
                group.addTask {
                    guard (try? await life.engine.accept([event])) != nil else { return }
                    answers.indices.withLock { _ = $0.insert(index) }
                }
                await executor.quiet()
                group.addTask { await operate(life.engine) }
                await letTimePass(rounds: world.roll(scenery.isCrowded ? 2 : 4), life)
                if isOver(life) { break }
            }
            switch life.end {
            case .killed, .over: await finish(life, &group)
            case .stopped, .interrupted: await stop(life)
            }
            if !isOver(life), world.questions > 0 { world.violate("somebody asked, and got no answer") }
            notes.kill()
            life.isBuried.isOn = true
            life.killSwitch.bury()
            life.interruption.interrupt()
            group.cancelAll()
        }
        let accepted = answers.indices.withLock { $0 }
        for index in accepted { deliveries[index].isAccepted = true }
        return deliveries
    }

    private func isOver(_ life: Life) -> Bool { life.killSwitch.deadlyPoint != nil || executor.hasSpun }

    private func finish(_ life: Life, _ group: inout TaskGroup<Void>) async {
        let isDone = Switch()
        for round in 0..<(world.isKind ? 3000 : 300) where !isOver(life) && !isDone.isOn {
            if life.hasEnded.isOn { return }
            if world.isKind, round == 60 { world.becomeCalm() }
            await letTimePass(rounds: 1, life)
            // Apart, since these write, and a write may be where the process dies.
            group.addTask { await operate(life.engine) }
            await executor.quiet()
            guard round % 4 == 0 else { continue }
            group.addTask { if await isAllOver(life.engine) { isDone.isOn = true } }
            await executor.quiet()
        }
    }

    /// Ends the process as SIGTERM does, or without waiting for anything, and looks what it left.
    private func stop(_ life: Life) async {
        if case .stopped = life.end, fault != .stopInterrupts {
            await letTimePass(rounds: world.roll(3), life)
            life.engine.shutdown()
        } else {
            life.interruption.interrupt()
        }
        for _ in 0..<200 where !life.hasEnded.isOn && !isOver(life) { await letTimePass(rounds: 1, life) }
        if !life.hasEnded.isOn, !isOver(life) { world.violate("a stop does not end") }
        // Whoever asked in the last moment is told that nobody works here any more.
        for _ in 0..<20 where world.questions > 0 && !isOver(life) { await letTimePass(rounds: 1, life) }
    }

    private func letTimePass(rounds: Int, _ life: Life) async {
        for _ in 0..<rounds where !executor.hasSpun {
            await executor.quiet()
            if scenery.stepsClock, !world.isCalm, world.roll(world.isKind ? 6 : 25) == 0 { world.step() }
            // The machine sleeps: all timers are late.
            let isAsleep = !world.isKind && world.roll(60) == 0
            if let next = clock.timeToNextDeadline {
                clock.advance(by: isAsleep ? .seconds(8 * 3600) : max(next, .milliseconds(1)))
            }
        }
        await executor.quiet()
        if await life.engine.isAtWork { life.hasBegun.isOn = true }
        if executor.hasSpun { life.killSwitch.bury() }
    }
}
