import Foundation

/// Deciding who gets an event: waits first, then rules, each by its mode.
extension EventRun {
    /// An event for an invocation that waited for it.
    struct Delivery {
        var waiting: Waiting
        var outcome: Data
    }

    struct Offering {
        /// Newest wait first.
        var deliveries: [Delivery] = []
        /// Whether the last of them wants the event for itself.
        var isExclusive = false
        /// Holds as long as no further wait was registered.
        var expectation: Expectation
    }

    /// What is to be written and run for an event.
    struct Plan {
        var deliveries: [Delivery]
        var matching: Matching
        var starts: [Invocation] = []
        /// How many the event started in earlier turns.
        var formerStarts = 0
        /// What is written before the match.
        var changes: [Change] = []
        /// Invocations that give way to new ones.
        var cancelled: [Invocation] = []
        /// What the event is to be matched for again, and why.
        var rest: Awaiting?
        var restReason: String?
    }

    /// Offers the event to the waits on its queue.
    func offer(_ event: Event) async throws -> Offering {
        // An old message that a person has replayed is nobody's answer; one that is matched for the rest had its offer.
        guard event.source != Engine.replaySource, event.awaits == nil else {
            return Offering(expectation: .openEvent(sequence: event.sequence, cause: event.cause))
        }
        if let latest = context.quietQueues.latestRegistration(ifQuiet: event.queue) {
            return Offering(expectation: .noNewWaits(queue: event.queue, after: latest))
        }
        let list = try await context.insisting { () async throws(EngineError) in
            try await context.store.waits(on: event.queue)
        }
        if list.waits.isEmpty { context.quietQueues.isQuiet(event.queue, asOf: list.latest) }
        var offering = Offering(expectation: .noNewWaits(queue: event.queue, after: list.latest))
        for waiting in list.waits where waiting.admits(event) && waiting.isDry == context.configuration.isDryRun {
            guard let outcome = try await offer(event, to: waiting) else { continue }
            offering.deliveries.append(Delivery(waiting: waiting, outcome: outcome))
            if waiting.exclusive {
                offering.isExclusive = true
                break
            }
        }
        return offering
    }

    private func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        do {
            return try await context.gate.run(CrashNote(event: event.sequence)) {
                try await context.handler.offer(event, to: waiting)
            }
        } catch let failure as EngineFailure where failure.retryable {
            throw failure
        } catch {
            return nil
        }
    }

    /// - Parameter matching: What the handler matched; nil if the event is kept from rules.
    func plan(_ offering: Offering, _ matching: Matching?, _ event: Event) async throws -> Plan {
        let now = context.now
        var plan = Plan(
            deliveries: offering.deliveries,
            matching: Matching(refusals: matching?.refusals ?? [], rest: matching?.rest),
            changes: [.expect(offering.expectation)])
        let former = try await former(event)
        plan.formerStarts = former.starts
        let judged = Set(plan.matching.refusals.map(\.rule))
        plan.matching.refusals.insert(contentsOf: former.refusals.filter { !judged.contains($0.rule) }, at: 0)
        if context.hasProduced.isSet {
            plan.changes.append(.expect(.openEvent(sequence: event.sequence, cause: event.cause)))
        }
        for delivery in offering.deliveries {
            plan.changes.append(
                .deliver(event: event.sequence, to: delivery.waiting, outcome: delivery.outcome, at: now))
        }
        if matching == nil, let last = offering.deliveries.last?.waiting {
            plan.matching.refusals = [
                Refusal(rule: "*", reason: "\(last.invocation) of \(last.rule) waited for it exclusively")
            ]
        }
        for start in matching?.starts ?? [] {
            if let delivery = offering.deliveries.first(where: { $0.waiting.rule == start.rule }) {
                plan.refuse(start.rule, "its invocation \(delivery.waiting.invocation) waited for it")
            } else {
                try await add(start, to: &plan, event, at: now)
            }
        }
        plan.leave(matching?.awaits ?? [], of: event, to: offering.deliveries)
        return plan
    }

    private func add(_ start: Start, to plan: inout Plan, _ event: Event, at now: Date) async throws {
        let place = plan.formerStarts + plan.starts.count
        guard place < InvocationID.placeLimit else {
            return plan.refuse(start.rule, "one event starts at most \(InvocationID.placeLimit) rules")
        }
        var invocation = Invocation(
            id: InvocationID(event: event.sequence, place: place).text, event: event.sequence,
            queue: event.queue, rule: start.rule, version: start.version, attempt: 1, createdAt: now, updatedAt: now,
            isDry: context.configuration.isDryRun)
        let live = start.mode == .parallel ? [] : try await liveInvocations(of: start.rule, in: event.queue)
        switch start.mode {
        case .parallel:
            break
        case .single:
            if let first = live.first {
                return plan.refuse(start.rule, "single: \(first.id) is \(first.state.rawValue)")
            }
        case .restart:
            try await cancel(live, in: &plan, event, at: now)
        case .queued(let limit):
            guard live.filter({ $0.state == .queued }).count < limit || live.isEmpty else {
                return plan.refuse(start.rule, "queued: \(limit) stand in line already")
            }
            if !live.isEmpty { invocation.stand(behind: "an earlier invocation", until: nil) }
        case .debounce(let delay):
            try await cancel(live.filter { $0.state == .queued }, in: &plan, event, at: now)
            invocation.stand(behind: "quiet for \(delay)", until: now.adding(delay).storable)
        }
        plan.starts.append(invocation)
        plan.matching.starts.append(start)
    }

    private func liveInvocations(of rule: String, in queue: String) async throws(EngineError) -> [Invocation] {
        var filter = InvocationFilter()
        filter.queue = queue
        filter.rule = rule
        filter.states = Set(InvocationState.allCases.filter { !$0.isEnded })
        filter.limit = 1000
        let query = filter
        let live = try await context.insisting { () async throws(EngineError) in
            try await context.store.invocations(query)
        }
        // One of the other kind is held until another host runs, and nobody is to wait for that.
        return live.filter { $0.isDry == context.configuration.isDryRun }
    }

    /// Plans to cancel those that have settled, after ending those that run.
    ///
    /// - Throws: `CancellationError` if one still runs while the engine stops: then the event is left for the next start.
    private func cancel(
        _ live: [Invocation], in plan: inout Plan, _ event: Event, at now: Date
    ) async throws {
        let reason = "event \(event.sequence) started the rule again"
        for var invocation in live {
            while invocation.state == .running {
                guard !context.shouldEnd else { throw CancellationError() }
                invocation = try await end(invocation, because: reason)
            }
            if invocation.state.isEnded { continue }
            plan.changes.append(.cancel(invocation: invocation.id, reason: reason, at: now))
            invocation.settle(.cancelled(reason), at: now)
            plan.cancelled.append(invocation)
        }
    }

    /// Has a run end, and returns what became of it.
    ///
    /// It may be one that was taken up and waits for a hand: this one's, which it gets once it knows that it is to end.
    private func end(_ invocation: Invocation, because reason: String) async throws(EngineError) -> Invocation {
        let id = invocation.id
        let isLent = Flag()
        let result: Result<Bool, EngineError>
        do throws(EngineError) {
            result = .success(
                try await context.runs.cancel(
                    id, because: reason,
                    onceAsked: {
                        isLent.set()
                        await context.handWaits(true)
                    },
                    isRunning: { () async throws(EngineError) in try await read(id)?.state == .running }))
        } catch {
            result = .failure(error)
        }
        if isLent.isSet { await context.handWaits(false) }
        _ = try result.get()
        return try await read(id) ?? invocation
    }

    private func read(_ id: String) async throws(EngineError) -> Invocation? {
        try await context.insisting { () async throws(EngineError) in try await context.store.invocation(id) }
    }
}

extension EventRun.Plan {
    fileprivate mutating func refuse(_ rule: String, _ reason: String) {
        matching.refusals.append(Refusal(rule: rule, reason: reason))
    }
}

extension Invocation {
    fileprivate mutating func stand(behind what: String, until time: Date?) {
        state = .queued
        reason = "waits for \(what)"
        nextAttemptAt = time
        attempt = 0
    }
}
