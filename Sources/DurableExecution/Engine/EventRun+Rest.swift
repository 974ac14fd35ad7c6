import Foundation

/// Matching in two turns: what is missing at an event's turn is asked once it is there, and nobody else again.
///
/// The others have the event at once, so that one missing group holds nobody up. What is left is kept with the event
/// (``Event/awaits``); ``Engine/release(eventsFor:)`` gives it another turn, in which it is neither prepared nor offered
/// to waits, and starts rules of what was missing only. Later events of the queue wait behind it for these, so that each
/// rule sees a queue's events in their order.
extension EventRun {
    /// How an event's turn ends, once what it started has settled.
    struct Closing {
        let change: Change
        let state: EventState
        let note: String?

        /// - Parameter rest: What it is to be matched for again.
        init(_ event: Event, rest: Awaiting? = nil, because reason: String? = nil, at time: Date) {
            state = rest == nil ? .done : .held
            note = reason
            change = .event(sequence: event.sequence, state: state, note: reason, at: time)
        }
    }

    /// Asks which rules the event starts.
    func match(_ event: Event) async throws -> Matching {
        var matching = try await context.gate.run(note) { try await context.handler.match(event) }
        if context.hasHeld.isSet {
            let awaited = try await context.insisting { () async throws(EngineError) in
                try await context.store.awaited(in: event.queue, before: event.sequence)
            }
            matching.withhold(awaited)
        }
        guard let awaits = event.awaits else { return matching }
        let known = try await context.insisting { () async throws(EngineError) in
            try await context.store.starts(of: event.sequence)
        }
        let had = Set((known ?? []).map(\.rule) + awaits.except)
        matching.starts.removeAll { had.contains($0.rule) }
        return matching
    }

    /// What earlier turns of the event came to.
    func former(_ event: Event) async throws(EngineError) -> (starts: Int, refusals: [Refusal]) {
        guard event.awaits != nil else { return (0, []) }
        return try await context.insisting { () async throws(EngineError) in
            let starts = try await context.store.starts(of: event.sequence) ?? []
            return (starts.count, try await context.store.refusals(of: event.sequence))
        }
    }

    /// Gives the event its next turn at once, if what it is held for came between asking for it and writing that down.
    func unlessReleased(_ rest: Awaiting?, since moment: Int64, _ ending: Ending) async throws(EngineError) -> Ending {
        guard case .ended = ending, let rest else { return ending }
        for key in rest.keys where context.releases.wasReleased(Awaited.releaseKey(key), since: moment) {
            let sequence = event.sequence
            let taken = try await context.insisting { () async throws(EngineError) in
                try await context.store.takeUpHeld(key, event: sequence, limit: 1, epoch: context.epoch)
            }
            // Else the release found it.
            guard let again = taken.first else { return ending }
            return try await EventRun(context: context, event: again, tries: tries, settled: settled).run()
        }
        return ending
    }
}

extension EventRun.Plan {
    /// Keeps what could not be asked for a later turn.
    mutating func leave(_ awaits: [Awaited], of event: Event, to deliveries: [EventRun.Delivery]) {
        guard !awaits.isEmpty else { return }
        let delivered = deliveries.map(\.waiting.rule)
        rest = Awaiting(
            keys: Set(awaits.map(\.key)).sorted(),
            except: Set((event.awaits?.except ?? []) + delivered).sorted())
        restReason = Set(awaits.map(\.reason)).sorted().joined(separator: "; ")
    }

    func restChange(_ event: Event) -> [Change] {
        rest == event.awaits ? [] : [.awaits(event: event.sequence, rest)]
    }
}

extension Matching {
    /// Leaves out groups that earlier events of the queue have still to be matched for.
    fileprivate mutating func withhold(_ groups: Set<String>) {
        guard !groups.isEmpty else { return }
        let late = starts.filter { $0.group.map(groups.contains) ?? false }
        starts.removeAll { $0.group.map(groups.contains) ?? false }
        let reason = "earlier events of the conversation come first"
        awaits += Set(late.compactMap(\.group)).sorted().map { Awaited(key: $0, reason: reason) }
    }
}

extension Awaited {
    /// What ``ReleaseRegistry`` knows it by.
    static func releaseKey(_ key: String) -> String { "events:" + key }
}
