import Foundation

@testable import DurableExecution

/// Pauses, causes, crashes, forgetting.
extension MemoryStore.State {
    mutating func applyOther(_ change: Change) throws {
        switch change {
        case .store(let operation, let time):
            do { _ = try perform(operation, within: nil, at: time) } catch let failure as CommandFailure {
                throw EngineError(.badInput, failure.message)
            }
        case .fact(let fact):
            keep(fact)
        case .pause(let pause):
            pauses[pause.subject] = Pause(subject: pause.subject, reason: pause.reason, at: pause.at.storable)
        case .resume(let subject):
            pauses[subject] = nil
        case .produced(let identities, let invocation, let time):
            for identity in identities where productions[identity] == nil {
                productions[identity] = invocation
                produced[identity] = time
                if let event = self.identities[identity] { cause(event, invocation) }
            }
        case .survived(let event):
            crashes[event] = nil
        case .reopen(let event, let time):
            try reopen(event, time)
        case .refused(let event, let each, let rest, _):
            refusals[event] = (each + rest.refusals).sorted { $0.rule < $1.rule }
        case .due(let invocation, let time):
            guard invocations[invocation]?.state == .waiting else { return }
            invocations[invocation]?.nextAttemptAt = time.storable
            invocations[invocation]?.holdKey = nil
        case .hastenRetries(let step, let time):
            for (id, invocation) in invocations where invocation.state == .retrying {
                guard let next = invocation.nextAttemptAt, next > time else { continue }
                invocations[id]?.nextAttemptAt = max(next.adding(.zero - step), time).storable
            }
        case .awaits(let event, let awaiting):
            edit(event) { $0.awaits = awaiting }
        case .requestCancel(let invocation, let reason):
            invocations[invocation]?.cancelRequest = reason
        default:
            preconditionFailure("applied elsewhere")
        }
    }

    mutating func keep(_ fact: Fact) {
        guard fact.replaces(values[[fact.scope, fact.key]]?.value) else { return }
        values[[fact.scope, fact.key]] = (fact.stored, nil)
    }

    mutating func cause(_ event: Int64, _ invocation: String) {
        edit(event) { if $0.cause == nil, $0.state == .pending { $0.cause = invocation } }
    }

    private mutating func reopen(_ event: Int64, _ time: Date) throws {
        guard let found = self.event(event), [.quarantined, .failed, .expired, .held].contains(found.state) else {
            throw EngineError(.conflict, "\(event)")
        }
        let wasMatched = matched.contains(event)
        edit(event) {
            $0.state = wasMatched ? .running : .pending
            $0.note = nil
            $0.retriedAt = time.storable
        }
        for (id, invocation) in invocations where invocation.event == event && invocation.state == .parked {
            guard invocation.reason?.hasPrefix("quarantined: ") == true else { continue }
            invocations[id]?.state = found.awaits == nil ? .running : .retrying
            invocations[id]?.nextAttemptAt = found.awaits == nil ? nil : time.storable
            invocations[id]?.reason = nil
            invocations[id]?.updatedAt = time.storable
        }
        crashes[event] = nil
    }

    mutating func arrange(_ sequences: [Int64]) -> [Event] {
        func open() -> [Event] { events.filter { sequences.contains($0.sequence) && $0.state.isOpen } }
        let movable = open().filter { $0.state == .pending && crashes[$0.sequence] == nil }
        let moves = zip(movable, EventOrder.sorted(movable)).map { ($0.sequence, $1) }
        for (place, event) in moves {
            edit(place) { held in
                held = event
                held.sequence = place
            }
        }
        let places = Dictionary(uniqueKeysWithValues: moves.map { ($1.sequence, $0) })
        identities = identities.mapValues { places[$0] ?? $0 }
        return open()
    }

    mutating func quarantine(
        _ event: Int64, _ noted: [String], _ count: Int, _ time: Date, _ pausing: (String) -> String?
    ) -> Quarantined {
        let why = "the process ended \(count) times while it ran"
        let wasOpen = self.event(event)?.state.isOpen == true
        if wasOpen {
            displaced.insert(event)
            edit(event) {
                $0.state = .quarantined
                $0.note = why
            }
        }
        var rules: Set<String> = []
        for (id, invocation) in invocations where invocation.event == event {
            if noted.contains(id) { rules.insert(invocation.rule) }
            guard !invocation.state.isEnded, noted.contains(id) || (wasOpen && invocation.state == .running) else {
                continue
            }
            invocations[id]?.state = .parked
            invocations[id]?.reason = "quarantined: " + why
            invocations[id]?.nextAttemptAt = nil
            invocations[id]?.holdKey = nil
            invocations[id]?.updatedAt = time.storable
        }
        for subject in rules.compactMap(pausing) {
            pauses[subject] = Pause(subject: subject, reason: "\(why), at event \(event)", at: time.storable)
        }
        return Quarantined(event: event, crashes: count, rules: rules.sorted())
    }

    mutating func forget(_ forgetting: Forgetting) throws -> Forgotten {
        var forgotten = Forgotten()
        let all = events.filter {
            forgetting.queues.contains($0.queue) && $0.state != .forgotten && $0.sequence <= forgetting.through
                && (fault != .keepsForgottenOpen || !$0.state.isOpen)
        }.prefix(forgetting.limit)
        let old = all.filter { event in
            !forgetting.sparesRunning
                || !invocations.values.contains { $0.event == event.sequence && $0.state == .running }
        }
        forgotten.running = all.count - old.count
        for event in old {
            for invocation in invocations.values.filter({ $0.event == event.sequence }) {
                if !invocation.state.isEnded, invocation.state != .running {
                    try cancel(invocation.id, "forgotten", forgetting.at)
                }
                if invocation.state == .running { invocations[invocation.id]?.state = .cancelled }
                invocations[invocation.id]?.reason = "forgotten"
                invocations[invocation.id]?.failure = nil
                invocations[invocation.id]?.result = nil
                invocations[invocation.id]?.cancelRequest = nil
                journal[invocation.id] = nil
                logs[invocation.id] = nil
                forgotten.invocations += 1
            }
            refusals[event.sequence] = nil
            edit(event.sequence) {
                $0.identity = ""
                $0.payload = Data()
                $0.note = nil
                $0.state = .forgotten
            }
        }
        forgotten.events = old.count
        let keys = values.keys.filter { forgetting.scopes.contains($0[0]) }.prefix(forgetting.limit)
        for key in keys { values[key] = nil }
        forgotten.values = keys.count
        return forgotten
    }
}
