import DurableExecution
import Foundation

@testable import DurableExecution

extension Simulation {
    /// Checks the promises against what the store holds and the world saw.
    func audit(_ deliveries: [Delivery]) async {
        let state = (try? store.read { $0 }) ?? MemoryStore.State()
        auditEvents(deliveries, state)
        for queue in ["q", "other"] {
            let order = state.begun.compactMap { state.invocations[$0] }.filter { $0.queue == queue }.map(\.event)
                .filter { !state.displaced.contains($0) }
            if order != order.sorted() { world.violate("order of \(queue): \(order)") }
        }
        let messages = state.events.filter { $0.kind == "message" }.count
        let count = state.values[["s", "count"]].map { String(decoding: $0.value, as: UTF8.self) } ?? "0"
        if count != "\(messages)" { world.violate("\(count) increments for \(messages) messages") }
        for invocation in state.invocations.values.sorted(by: { $0.id < $1.id }) {
            let mayBeCancelled = invocation.queue == Simulation.forgottenQueue
            if invocation.state != .finished, !mayBeCancelled || !invocation.state.isEnded {
                world.violate("\(invocation.id) is \(invocation.state) for ever: \(invocation.reason ?? "")")
            }
            auditWaits(of: invocation, state)
        }
    }

    private func auditEvents(_ deliveries: [Delivery], _ state: MemoryStore.State) {
        let identities = state.events.map(\.identity)
        if Set(identities).count != identities.count { world.violate("an event was doubled: \(identities)") }
        for delivery in deliveries where delivery.isAccepted {
            if !identities.contains(delivery.event.identities[0]) {
                world.violate("\(delivery.event.identities[0]) was accepted and lost")
            }
        }
        for event in state.events where event.state != .done && event.state != .forgotten {
            world.violate("event \(event.sequence) is \(event.state): \(event.note ?? "")")
        }
        for event in state.events where event.kind == "message" {
            let starts = state.invocations.values.filter { $0.event == event.sequence }
            if starts.count != 1 { world.violate("event \(event.sequence) started \(starts.count) invocations") }
        }
    }

    /// No answer is returned twice, and none that came in time is missed.
    private func auditWaits(of invocation: Invocation, _ state: MemoryStore.State) {
        let journal = state.journal[invocation.id, default: [:]].values.sorted { $0.position < $1.position }
        var place = journal.first { $0.name == "send" }?.inboxPlace ?? invocation.event
        for entry in journal where entry.name == "wait" {
            let outcome = entry.outcome.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
            if let outcome {
                if outcome <= place { world.violate("\(invocation.id) got \(outcome) though it was at \(place)") }
                place = outcome
                continue
            }
            let deadline = entry.intendedAt.addingTimeInterval(600)
            // At the same instant, commit order decides, which can't be seen from here.
            let missed = state.events.first {
                $0.queue == "q" && $0.kind == "reply" && $0.sequence > place
                    && min($0.occurredAt, $0.acceptedAt) <= deadline && $0.acceptedAt < entry.endedAt ?? deadline
            }
            if let missed { world.violate("\(invocation.id) missed \(missed.sequence) at command \(entry.position)") }
        }
    }
}
