import Foundation

@testable import DurableExecution

extension Simulation {
    /// Checks the promises against what the store holds and the world saw.
    func audit(_ deliveries: [Delivery]) async {
        let events = await events().sorted { $0.sequence < $1.sequence }
        let invocations = await invocations().sorted { $0.id < $1.id }
        if events.isEmpty, !world.hasPrunedAhead { world.violate("the store is empty") }
        await auditEvents(events, invocations, deliveries)
        auditOrder(events, invocations)
        var counted = world.cleared
        for invocation in invocations {
            let journal = await journal(of: invocation.id)
            counted += await self.counted(by: invocation.id)
            auditEnd(of: invocation, invocations)
            if invocation.rule == "rule" { auditWaits(of: invocation, journal, events) }
        }
        await auditValues(counted)
    }

    private func auditEvents(_ events: [Event], _ invocations: [Invocation], _ deliveries: [Delivery]) async {
        // Of what was forgotten the identity can be recognised, but not read.
        let identities = events.filter { $0.state != .forgotten }.map(\.identity)
        if Set(identities).count != identities.count, !world.hasPrunedAhead {
            world.violate("an event was doubled: \(identities)")
        }
        for identity in deliveries.filter({ $0.isAccepted && !world.hasPrunedAhead }).map({ $0.event.identities[0] }) {
            let known = await look { store async throws(EngineError) in try await store.event(identity: identity) }
            if (known ?? nil) == nil { world.violate("\(identity) was accepted and lost") }
        }
        for event in events where event.state != .done && event.state != .forgotten {
            world.violate("event \(event.sequence) is \(event.state): \(event.note ?? "")")
        }
        for event in events where event.kind != "reply" && event.state != .forgotten {
            let starts = invocations.count { $0.event == event.sequence }
            let mayBeRefused = event.kind == "single" || event.kind == "queued"
            guard starts != 1, !(mayBeRefused && starts == 0) else { continue }
            world.violate("event \(event.sequence), a \(event.kind), started \(starts) invocations")
        }
        for event in events where event.kind == "single" || event.kind == "queued" {
            let isRefused = !invocations.contains { $0.event == event.sequence }
            let isFirst = !invocations.contains { other in
                other.rule == event.kind
                    && (other.event < event.sequence
                        || events.contains { $0.sequence == other.event && $0.occurredAt < event.occurredAt })
            }
            if isRefused, isFirst, !world.hasPrunedAhead {
                world.violate("event \(event.sequence) was refused with nobody before it")
            }
        }
    }

    /// In each queue, what starts at once begins in the order in which it came, or happened.
    private func auditOrder(_ events: [Event], _ invocations: [Invocation]) {
        let bySequence = Dictionary(uniqueKeysWithValues: events.map { ($0.sequence, $0) })
        let byID = Dictionary(uniqueKeysWithValues: invocations.map { ($0.id, $0) })
        let begun = world.begun.compactMap { byID[$0] }.filter {
            $0.rule != "queued" && $0.rule != "debounce" && !world.displaced.contains($0.event)
                && !world.touched.contains($0.id)
        }
        for queue in Set(begun.map(\.queue)).sorted() {
            let order = begun.filter { $0.queue == queue }.compactMap { bySequence[$0.event] }
            for (earlier, later) in zip(order, order.dropFirst()) where earlier.sequence > later.sequence {
                guard earlier.occurredAt >= later.occurredAt else { continue }
                world.violate("order of \(queue): \(earlier.sequence) before \(later.sequence)")
            }
        }
    }

    private func auditEnd(of invocation: Invocation, _ all: [Invocation]) {
        guard invocation.state != .finished else { return }
        let isForgotten = invocation.queue == Self.forgottenQueue && invocation.state.isEnded
        let gaveWay =
            ["restart", "debounce"].contains(invocation.rule)
            && all.contains { $0.rule == invocation.rule && $0.event > invocation.event }
        let mayBeCancelled = gaveWay || world.cancellable.contains(invocation.id)
        guard !isForgotten, !(invocation.state == .cancelled && mayBeCancelled) else { return }
        world.violate(
            "\(invocation.id) of \(invocation.rule) is \(invocation.state) for ever: \(invocation.reason ?? "")")
    }

    /// No answer is returned twice, none that came in time is missed, and no time ends early.
    private func auditWaits(of invocation: Invocation, _ journal: [JournalEntry], _ events: [Event]) {
        guard !world.woken.contains(invocation.id), invocation.state == .finished else { return }
        var place = journal.first { $0.name == "send" }?.inboxPlace ?? invocation.event
        for entry in journal where entry.name == "wait" {
            let outcome = entry.outcome.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
            if let outcome {
                if outcome <= place { world.violate("\(invocation.id) got \(outcome) though it was at \(place)") }
                place = outcome
                continue
            }
            let deadline = entry.intendedAt.adding(Self.waitTime)
            // Where a write is tried again, the clock may be set back between the decision and its note.
            let isTold = !(scenery.stepsClock && scenery.isFlaky)
            if let end = entry.endedAt, end < deadline.addingTimeInterval(-0.001), isTold {
                world.violate("\(invocation.id) waited until \(end), not \(deadline)")
            }
            // Times of a clock that is stepped can't be compared; at the same instant, commit order decides.
            guard !scenery.stepsClock else { continue }
            let missed = events.first {
                $0.queue == "q" && $0.kind == "reply" && $0.sequence > place
                    // One that a person had to have run again was nobody's before.
                    && !world.displaced.contains($0.sequence)
                    && min($0.occurredAt, $0.acceptedAt) <= deadline && $0.acceptedAt < entry.endedAt ?? deadline
            }
            if let missed { world.violate("\(invocation.id) missed \(missed.sequence) at command \(entry.position)") }
        }
    }

    private func auditValues(_ counted: Int) async {
        let date = world.date
        let value = await look { store async throws(EngineError) in
            try await store.value(scope: "s", key: "count", at: date)
        }
        let count = (value ?? nil).map { String(decoding: $0, as: UTF8.self) } ?? "0"
        if count != "\(counted)", !world.hasPrunedAhead {
            world.violate("\(count) increments, and \(counted) in the journals")
        }
        let cursor = await look { store async throws(EngineError) in try await store.cursor("source") } ?? nil
        if !world.mayBeCursor(cursor) { world.violate("the cursor is \(cursor ?? "gone"), which nobody set last") }
    }

    /// A process that was asked to stop leaves nothing in doubt but what it found so.
    func auditStop(foundInDoubt before: Set<String>) async {
        guard !scenery.isFlaky, !scenery.fillsDisk else { return }
        for one in await inDoubt().subtracting(before).sorted() {
            world.violate("a graceful stop left \(one) in doubt")
        }
    }

    /// Commands that were begun and of which nobody noted what became of them.
    func inDoubt() async -> Set<String> {
        var all: Set<String> = []
        for invocation in await invocations({ $0.states = [.running] }) {
            let doubtful = await journal(of: invocation.id).filter { $0.effect == "once" && $0.state == .intended }
            all.formUnion(doubtful.map { "\(invocation.event).\($0.position), tried \($0.attempts) times" })
        }
        return all
    }
}
