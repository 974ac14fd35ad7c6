import Foundation

@testable import DurableExecution

/// Set while a person asks something of the engine, and while that is to forget.
enum Person {
    @TaskLocal static var isAsking = false
    @TaskLocal static var isForgetting = false
}

/// What people and fate do now and then.
extension Simulation {
    func operate(_ engine: Engine) async {
        guard !world.isKind else { return }
        world.asks()
        defer { world.isAnswered() }
        await Person.$isAsking.withValue(true) {
            switch world.roll(40) {
            case 0, 1: world.isOut.toggle()
            case 2: await pause(engine)
            case 3...6:
                world.isPaused = false
                _ = try? await engine.resume("rule:rule")
            case 7, 8: _ = try? await engine.release("k")
            case 9, 10: await replay(engine)
            case 11...13: await forget(engine)
            case 14: await cancel(engine)
            case 15, 16: await retry(engine)
            case 17: await restart(engine)
            case 18: await wake(engine)
            case 19: await retryEvent(engine)
            case 20: await decideUnknown(engine)
            case 21: await prune(engine)
            case 22: await moveCursor(engine)
            case 23: fillDisk()
            default: break
            }
        }
    }

    private func pause(_ engine: Engine) async {
        if (try? await engine.pause("rule:rule", reason: "somebody said so")) != nil { world.isPaused = true }
    }

    private func replay(_ engine: Engine) async {
        let done = await events {
            $0.kind = "message"
            $0.states = [.done]
        }
        guard let event = done.last, world.takeReplay() else { return }
        _ = try? await engine.replay(event.sequence, performing: true)
    }

    private func forget(_ engine: Engine) async {
        let last = await events().first?.sequence ?? 0
        let isDone = await Person.$isForgetting.withValue(true) {
            (try? await engine.forget(queues: [Self.forgottenQueue])) != nil
        }
        if isDone { world.forgot(through: last) }
    }

    private func cancel(_ engine: Engine) async {
        let open = await invocations { $0.states = Set(InvocationState.allCases.filter { !$0.isEnded }) }
        guard let one = world.pick(open) else { return }
        world.mayBeCancelled(one.id)
        _ = try? await engine.cancel(one.id)
    }

    private func retry(_ engine: Engine) async {
        let stopped = await invocations { $0.states = [.failed, .cancelled, .parked, .retrying, .held] }
        guard let one = world.pick(stopped), one.queue != Self.forgottenQueue else { return }
        world.touches(one.id)
        _ = try? await engine.retry(one.id)
    }

    /// Anew from the beginning, of a rule that counts nothing.
    private func restart(_ engine: Engine) async {
        guard Adversity.usual.contains(.restarts) else { return }
        let ended = await invocations { $0.states = [.finished, .failed, .cancelled, .parked] }
        guard let one = world.pick(ended.filter { $0.rule != "rule" && $0.queue != Self.forgottenQueue }) else {
            return
        }
        world.touches(one.id)
        let repeats = world.roll(3) == 0
        if repeats { world.allowsRepeats(of: one.event) }
        let hadDone = world.mayHaveDone(one.event) && !world.mayRepeat(one.event)
        guard (try? await engine.restart(one.id, repeating: repeats)) != nil, hadDone, !repeats else { return }
        world.violate("\(one.id) starts anew unasked though it did something")
    }

    private func wake(_ engine: Engine) async {
        guard let one = world.pick(await invocations { $0.states = [.waiting] }) else { return }
        world.wakes(one.id)
        _ = try? await engine.wake(one.id)
    }

    private func retryEvent(_ engine: Engine) async {
        guard let event = world.pick(await events { $0.states = [.quarantined, .failed, .done] }) else { return }
        if event.state != .done { world.displaces(event.sequence) }
        _ = try? await engine.retry(event: event.sequence)
    }

    private func decideUnknown(_ engine: Engine) async {
        guard let one = world.pick(await invocations { $0.states = [.parked] }) else { return }
        await decide(one, engine)
    }

    private func prune(_ engine: Engine) async {
        world.prunes()
        _ = try? await engine.prune()
    }

    private func moveCursor(_ engine: Engine) async {
        let value = "\(world.roll(1000))"
        world.setsCursor(to: value)
        if (try? await engine.setCursor("source", to: value)) != nil { world.cursorIs(value) }
    }

    private func fillDisk() {
        guard scenery.fillsDisk, let store = world.store else { return }
        try? SimulatedDisk.fill(store, world.roll(2) == 0)
    }

    // MARK: What is left to people

    private func decide(_ parked: Invocation, _ engine: Engine) async {
        let isQuarantined = parked.reason?.hasPrefix("quarantined: ") == true
        if isQuarantined {
            world.displaces(parked.event)
            if (try? await engine.retry(parked.id)) != nil { return }
        }
        guard let entry = await journal(of: parked.id).last, entry.isUndecided else {
            world.touches(parked.id)
            _ = try? await engine.retry(parked.id)
            return
        }
        let key = "\(parked.event).\(entry.position)"
        if !isQuarantined, !world.wasLookedFor(key) {
            world.violate("\(key) was left to people before anybody could look")
        }
        let tookPlace = world.decide(key)
        _ = try? await engine.resolve(parked.id, tookPlace ? .sent(outcome: Data("\"seen\"".utf8)) : .resend)
    }

    /// How many increments the invocation's journal has.
    func counted(by id: String) async -> Int {
        await journal(of: id).count { $0.effect == "store" && $0.state == .succeeded }
    }

    /// A dead letter goes on; where that is of no use, it starts anew, and where that would repeat something, people say so.
    private func revive(_ failed: Invocation, _ engine: Engine) async {
        world.touches(failed.id)
        if world.revives(failed.id), (try? await engine.retry(failed.id)) != nil { return }
        world.allowsRepeats(of: failed.event)
        let counted = await counted(by: failed.id)
        guard (try? await engine.restart(failed.id, repeating: true)) != nil else { return }
        world.clears(counted)
    }

    /// Has go on what was put off while the clock was a year ahead, and so would stand still for one.
    private func wakeStranded(_ engine: Engine, _ open: [Invocation]) async {
        for one in open {
            guard let end = one.nextAttemptAt, end > world.date.addingTimeInterval(86_400) else { continue }
            switch one.state {
            case .waiting:
                world.wakes(one.id)
                _ = try? await engine.wake(one.id)
            case .queued:
                world.mayBeCancelled(one.id)
                _ = try? await engine.cancel(one.id)
            default:
                world.touches(one.id)
                _ = try? await engine.retry(one.id)
            }
        }
    }

    /// Decides what is left to people; returns whether nothing is left at all.
    func isAllOver(_ engine: Engine) async -> Bool {
        await Person.$isAsking.withValue(true) {
            let open = await invocations { $0.states = Set(InvocationState.allCases.filter { $0 != .finished }) }
                .filter { $0.reason != "forgotten" && ($0.state != .cancelled) }
            for invocation in open where invocation.state == .parked { await decide(invocation, engine) }
            for invocation in open where invocation.state == .failed { await revive(invocation, engine) }
            if world.isKind { await wakeStranded(engine, open) }
            let events = await events()
            for event in events where event.state == .quarantined {
                world.displaces(event.sequence)
                _ = try? await engine.retry(event: event.sequence)
            }
            if world.isKind {
                let pauses = await look { store async throws(EngineError) in try await store.pauses() } ?? []
                for pause in pauses { _ = try? await engine.resume(pause.subject) }
                if open.contains(where: { $0.holdKey == "rule:rule" }) { _ = try? await engine.resume("rule:rule") }
                // Only if there is something to release: whatever is asked of the engine also has it look at its clocks.
                if open.contains(where: { $0.holdKey == "k" }) { _ = try? await engine.release("k") }
            }
            return open.isEmpty && events.allSatisfy { !$0.state.isOpen && $0.state != .quarantined }
        }
    }
}
