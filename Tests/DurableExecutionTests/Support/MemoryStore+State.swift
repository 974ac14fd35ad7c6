import Foundation

@testable import DurableExecution

extension MemoryStore.State {
    mutating func accept(_ event: NewEvent, at time: Date) throws -> Acceptance {
        guard let primary = event.identities.first else { throw EngineError(.badInput, "no identity") }
        for fact in event.facts { keep(fact) }
        let known = fault == .forgetsIdentities ? nil : event.identities.compactMap { identities[$0] }.first
        let holder = known ?? last + 1
        for identity in event.identities where identities[identity] == nil {
            identities[identity] = holder
            learnt[identity] = time
        }
        if let known { return .duplicate(of: known) }
        for key in event.keys { keys[key, default: []].insert(event.queue) }
        last = holder
        events.append(
            Event(
                sequence: holder, identity: primary, queue: event.queue, kind: event.kind, source: event.source,
                payload: event.payload, occurredAt: event.occurredAt.storable, acceptedAt: time,
                cause: event.cause ?? event.identities.compactMap { productions[$0] }.first))
        return .accepted(holder)
    }

    mutating func apply(_ change: Change) throws {
        switch change {
        case .event(let sequence, let state, let note, _):
            if !state.isOpen { deliveries[sequence] = nil }
            guard self.event(sequence)?.state != .forgotten else { return }
            edit(sequence) {
                $0.state = state
                $0.note = note
            }
        case .matched(let event, let payload, let starts, let refusals, _):
            guard self.event(event)?.state.isOpen == true else { throw EngineError(.conflict, "\(event) is over") }
            matched.insert(event)
            edit(event) {
                $0.state = .running
                $0.payload = payload ?? $0.payload
            }
            if !refusals.isEmpty { self.refusals[event] = refusals }
            for start in starts {
                try put(start)
                if start.state == .queued { releaseNext(after: start) }
            }
        case .entry(let entry):
            put(entry)
        case .logs(let invocation, let position, let lines, let time):
            logs[invocation, default: []] += lines.map { RecordedLog(position: position, line: $0, at: time.storable) }
        case .invocation(let invocation):
            try put(invocation)
            if invocation.state.isEnded { releaseNext(after: invocation) }
        case .wait(let waiting):
            register(waiting)
        case .endWait(let invocation):
            waits.removeAll { $0.invocation == invocation }
        case .deliver(let event, let waiting, let outcome, let time):
            try deliver(event, waiting, outcome, time)
        case .cancel(let invocation, let reason, let time):
            try cancel(invocation, reason, time)
        case .clearJournal(let invocation):
            journal[invocation] = nil
            logs[invocation] = nil
        case .refused, .store, .fact, .pause, .resume, .produced, .survived, .reopen, .awaits, .requestCancel, .due,
            .hastenRetries:
            try applyOther(change)
        case .expect(let expectation):
            guard holds(expectation) else {
                throw EngineError(.conflict, "\(expectation)")
            }
        }
    }

    func event(_ sequence: Int64) -> Event? { events.first { $0.sequence == sequence } }

    mutating func edit(_ sequence: Int64, _ change: (inout Event) -> Void) {
        guard let index = events.firstIndex(where: { $0.sequence == sequence }) else { return }
        change(&events[index])
    }

    mutating func prune(_ pruning: Pruning) -> Int {
        let over = events.filter { $0.acceptedAt < pruning.events && !isNeeded($0) }.map(\.sequence)
        let excess = pruning.size.map { max(events.count - $0 / MemoryStore.eventSize, 0) } ?? over.count
        let old = over.prefix(excess)
        events.removeAll { old.contains($0.sequence) }
        let queues = Set(events.map(\.queue))
        for key in keys.keys { keys[key]?.formIntersection(queues) }
        for (id, invocation) in invocations where old.contains(invocation.event) {
            invocations[id] = nil
            journal[id] = nil
            logs[id] = nil
        }
        for event in old { refusals[event] = nil }
        let forgotten = identities.keys.filter { (learnt[$0] ?? pruning.identities) < pruning.identities }
        for identity in forgotten { identities[identity] = nil }
        let announced = produced.keys.filter { (produced[$0] ?? pruning.identities) < pruning.identities }
        for identity in announced {
            productions[identity] = nil
            produced[identity] = nil
        }
        let ended = values.filter { $0.value.end.map { $0 <= pruning.values } ?? false }.keys
        for key in ended { values[key] = nil }
        return old.count + forgotten.count + announced.count + ended.count
    }

    /// Whether something unfinished may still have to look at the event.
    private func isNeeded(_ event: Event) -> Bool {
        let own = invocations.values.filter { $0.event == event.sequence }
        guard !event.state.isOpen, event.state != .held, own.allSatisfy(\.state.isEnded) else { return true }
        let end = own.map(\.updatedAt).max() ?? .distantPast
        return invocations.values.filter { !$0.state.isEnded }.contains { other in
            let queues = journal[other.id, default: [:]].values.compactMap(\.inboxQueue) + [other.queue]
            return (queues.contains(event.queue) && other.event <= event.sequence)
                || (other.queue == event.queue && other.state != .waiting && other.state != .queued
                    && other.createdAt.addingTimeInterval(-60) <= end)
        }
    }

    private mutating func put(_ invocation: Invocation) throws {
        guard InvocationID(invocation.id) != nil else { throw EngineError(.badInput, "no id: \(invocation.id)") }
        var invocation = invocation
        invocation.cancelRequest = invocations[invocation.id]?.cancelRequest
        invocations[invocation.id] = invocation
    }

    private mutating func put(_ entry: JournalEntry) {
        var entry = entry
        if entry.state == .intended, entry.effect == "once", fault == .skipsIntent { return }
        if entry.position == 0, !begun.contains(entry.invocation) { begun.append(entry.invocation) }
        let former = journal[entry.invocation]?[entry.position]
        if entry.takesPlace { entry.inboxPlace = former?.inboxPlace ?? last }
        entry.inboxPlace = entry.inboxPlace ?? former?.inboxPlace
        entry.inboxQueue = entry.inboxQueue ?? former?.inboxQueue
        journal[entry.invocation, default: [:]][entry.position] = entry
    }

    private mutating func register(_ waiting: Waiting) {
        let former = waits.first { $0.invocation == waiting.invocation && $0.position == waiting.position }
        waits.removeAll { $0.invocation == waiting.invocation }
        registrations += 1
        var waiting = waiting
        waiting.number = registrations
        waiting.opened = former?.opened ?? registrations
        waits.append(waiting)
    }

    private mutating func deliver(_ event: Int64, _ waiting: Waiting, _ outcome: Data, _ time: Date) throws {
        guard isOpen(waiting), waits.contains(where: { $0.number == waiting.number })
        else { throw EngineError(.conflict, "waits no more") }
        invocations[waiting.invocation]?.state = .running
        invocations[waiting.invocation]?.attempt += 1
        invocations[waiting.invocation]?.reason = nil
        invocations[waiting.invocation]?.nextAttemptAt = nil
        invocations[waiting.invocation]?.holdKey = nil
        invocations[waiting.invocation]?.updatedAt = time.storable
        waits.removeAll { $0.number == waiting.number }
        journal[waiting.invocation]?[waiting.position]?.state = .succeeded
        journal[waiting.invocation]?[waiting.position]?.outcome = outcome
        journal[waiting.invocation]?[waiting.position]?.endedAt = time.storable
        deliveries[event, default: []].append(waiting.invocation)
        guard journal[waiting.invocation]?[waiting.position]?.effect == "wait" else { return }
        journal[waiting.invocation]?[waiting.position]?.inboxPlace = event
    }

    func isOpen(_ waiting: Waiting) -> Bool {
        switch invocations[waiting.invocation]?.state {
        case .waiting: true
        case .held: journal[waiting.invocation]?[waiting.position]?.state == .held
        default: false
        }
    }

    mutating func cancel(_ id: String, _ reason: String, _ time: Date) throws {
        guard var invocation = invocations[id] else { throw EngineError(.notFound, id) }
        guard invocation.state != .running, !invocation.state.isEnded else { throw EngineError(.conflict, id) }
        invocation.state = .cancelled
        invocation.reason = reason
        invocation.nextAttemptAt = nil
        invocation.holdKey = nil
        invocation.updatedAt = time.storable
        invocations[id] = invocation
        waits.removeAll { $0.invocation == id }
        releaseNext(after: invocation)
    }

    private mutating func releaseNext(after invocation: Invocation) {
        let others = invocations.values.filter {
            $0.queue == invocation.queue && $0.rule == invocation.rule && !$0.state.isEnded
                && $0.isDry == invocation.isDry
        }
        guard others.allSatisfy({ $0.state == .queued }), let next = others.min(by: { $0.id < $1.id }),
            next.nextAttemptAt == nil
        else { return }
        invocations[next.id]?.nextAttemptAt = invocation.updatedAt
    }

    private func holds(_ expectation: Expectation) -> Bool {
        switch expectation {
        case .noNewWaits(let queue, let number):
            !waits.contains { $0.queue == queue && $0.number > number }
        case .noEvents(let queue, let sequence):
            !events.contains { $0.queue == queue && $0.sequence > sequence }
        case .invocationState(let id, let state):
            invocations[id]?.state == state
        case .remembered(let event):
            self.event(event)?.state != .forgotten
        case .openEvent(let sequence, let cause):
            event(sequence).map { $0.state.isOpen && $0.cause == cause } ?? false
        }
    }

    // MARK: The rules' store

    func value(_ scope: String, _ key: String, at time: Date) -> Data? {
        guard let found = values[[scope, key]], found.end.map({ $0 > time }) ?? true else { return nil }
        return found.value
    }

    /// Judges `value` by the quota, after what ended was deleted if there is no room otherwise.
    private mutating func admit(
        _ scope: String, _ key: String, _ value: Data?, _ quota: StoreQuota?, at time: Date
    ) throws {
        guard let quota, let value else { return }
        try quota.check(key, value)
        let owner = StoreQuota.owner(of: scope)
        do {
            try judge(scope, key, value, quota, owner)
        } catch {
            values = values.filter { place, value in
                StoreQuota.owner(of: place[0]) != owner || value.end.map { $0 > time } ?? true
            }
            try judge(scope, key, value, quota, owner)
        }
    }

    private func judge(
        _ scope: String, _ key: String, _ value: Data, _ quota: StoreQuota, _ owner: String
    ) throws {
        let held = values[[scope, key]]?.value.count
        let growth = StoreUsage(
            keys: held == nil ? 1 : 0, bytes: value.count - (held ?? 0) + (held == nil ? key.utf8.count : 0))
        guard growth.bytes > 0 else { return }
        try quota.check(usage(of: owner) + growth, of: owner)
    }

    private func usage(of owner: String) -> StoreUsage {
        values.filter { StoreQuota.owner(of: $0.key[0]) == owner }.reduce(StoreUsage()) { usage, value in
            usage + StoreUsage(keys: 1, bytes: value.key[1].utf8.count + value.value.value.count)
        }
    }

    mutating func perform(_ operation: StoreOperation, within quota: StoreQuota?, at time: Date) throws -> Data {
        switch operation {
        case .get(let scope, let key):
            return value(scope, key, at: time) ?? Data("null".utf8)
        case .set(let scope, let key, let value, let ttl):
            try admit(scope, key, value, quota, at: time)
            values[[scope, key]] = value.map { ($0, ttl.map { time.adding($0).storable }) }
            return Data("null".utf8)
        case .increment(let scope, let key, let step):
            let live = value(scope, key, at: time)
            let sum = try step.added(to: live, scope: scope, key: key)
            try admit(scope, key, sum, quota, at: time)
            values[[scope, key]] = (sum, live == nil ? nil : values[[scope, key]]?.end)
            return sum
        case .compareAndSet(let scope, let key, let expected, let value):
            guard self.value(scope, key, at: time) == expected else { return Data("false".utf8) }
            try admit(scope, key, value, quota, at: time)
            values[[scope, key]] = value.map { ($0, nil) }
            return Data("true".utf8)
        }
    }
}
