import Foundation
import Logging

/// One event at the head of its queue: prepared, offered to waits, matched, and what goes on or starts with it run, one
/// after the other, until each has settled.
struct EventRun {
    enum Ending {
        case ended
        /// It could not be prepared or matched now; its queue waits.
        case postponed(until: Date, upstream: String?)
        /// Who has to be asked to prepare it does not answer; its queue waits until they do.
        case blocked(upstream: String)
        /// Left as it is, because the engine stops.
        case abandoned
    }

    let context: EngineContext
    let event: Event
    let tries: Backlog.Tries
    /// Told of each invocation as it settles.
    let settled: @Sendable (Invocation) async -> Void

    func run() async throws(EngineError) -> Ending {
        do throws(EngineError) {
            return try await work()
        } catch {
            guard error.concernsOneRowOnly else { throw error }
            return try await end(.failed, "it can't be worked on: \(error.message)")
        }
    }

    var note: CrashNote { CrashNote(event: event.sequence) }

    private func work() async throws(EngineError) -> Ending {
        guard tries.count == 0 || tries.upstream != nil else { return try await workAgain() }
        return try await turn(of: event)
    }

    /// The event may have come further than it had as it was read: it is read again.
    private func workAgain() async throws(EngineError) -> Ending {
        let sequence = event.sequence
        let present = try await context.insisting { () async throws(EngineError) in
            try await context.store.event(sequence)
        }
        guard let present, present.state.isOpen else { return .ended }
        return try await turn(of: present)
    }

    private func turn(of event: Event) async throws(EngineError) -> Ending {
        if event.state == .running {
            let starts = try await context.insisting { () async throws(EngineError) in
                try await context.store.starts(of: event.sequence)
            }
            if let starts, event.awaits == nil {
                let given = try await givenBefore()
                for invocation in given {
                    guard try await goOn(invocation.takenUpAgain, of: event) else { return .abandoned }
                }
                let interrupted = starts.filter { context.interrupted.contains($0.id) }
                return try await run(
                    [], interrupted.map(\.takenUpAgain), areNew: false, of: event,
                    to: Closing(event, at: context.now))
            }
        }
        // A person who gives it another turn knows how old it is.
        if context.now.since(max(event.occurredAt, event.retriedAt ?? .distantPast)) > context.configuration.maxAge {
            return try await expire()
        }
        let upstream =
            event.source == Engine.replaySource || event.awaits != nil
            ? nil : context.handler.upstream(preparing: event) ?? tries.upstream
        switch await context.breakers.admit(upstream, at: context.steadyNow) {
        case .hold:
            return .blocked(upstream: upstream ?? "")
        case .go(let call):
            return try await begin(as: call)
        }
    }

    private func expire() async throws(EngineError) -> Ending {
        let facts = await context.handler.facts(in: event)
        let ending = try await end(
            .expired, "older than \(context.configuration.maxAge) when its turn came", facts.map(Change.fact))
        await context.handler.kept(facts)
        return ending
    }

    private func begin(as call: Breakers.Call) async throws(EngineError) -> Ending {
        guard !context.shouldEnd else {
            context.ended(call, .none)
            return .abandoned
        }
        let prepared: Prepared
        do {
            prepared = try await prepare()
        } catch {
            return try await failed(error, call)
        }
        // What its rules do is another matter: a probe is over when the answer is there.
        context.ended(call, context.shouldEnd ? .none : .answered)
        switch prepared {
        case .duplicate(let note):
            return try await end(.duplicate, note)
        case .ready(let event, let hasClaimed):
            do {
                return try await matchAndStart(event, hasClaimed: hasClaimed)
            } catch {
                return try await failed(error, Breakers.Call())
            }
        }
    }

    private func hasTooManyCauses(_ event: Event) async throws(EngineError) -> Bool {
        var cause = event.cause
        for _ in 0..<context.configuration.causeLimit {
            guard let id = cause, let place = InvocationID(id) else { return false }
            cause = try await context.insisting { () async throws(EngineError) in
                try await context.store.event(place.event)
            }?.cause
        }
        return cause != nil
    }

    private enum Prepared {
        case ready(Event, hasClaimed: Bool)
        case duplicate(note: String)
    }

    private func prepare() async throws -> Prepared {
        guard event.source != Engine.replaySource, event.awaits == nil else { return .ready(event, hasClaimed: false) }
        var event = event
        let claims = DurableClaims(context: context, event: event.sequence)
        let prepared = try await context.gate.runHandler(note) { [event] in
            try await context.handler.prepare(event, claims: claims)
        }
        switch prepared {
        case .duplicate(let other, let reason):
            return .duplicate(note: other.map { "of event \($0): \(reason)" } ?? reason)
        case .ready(let payload):
            event.payload = payload
            return .ready(event, hasClaimed: claims.areMade.isSet)
        }
    }

    private func matchAndStart(_ prepared: Event, hasClaimed: Bool) async throws -> Ending {
        var event = prepared
        if context.hasProduced.isSet || hasClaimed {
            guard try await isStillOpen(&event) else { return .ended }
        }
        context.observe(.prepared(event))
        if try await hasTooManyCauses(event) {
            return try await end(
                .failed, "it is the effect of more than \(context.configuration.causeLimit) rules in a row")
        }
        return try await matchAndStart(event)
    }

    /// Reads again what may have changed since the event was read; whether it is still to be run.
    private func isStillOpen(_ event: inout Event) async throws(EngineError) -> Bool {
        let sequence = event.sequence
        let now = try await context.insisting { () async throws(EngineError) in
            try await context.store.event(sequence)
        }
        guard let now, now.state.isOpen else { return false }
        event.cause = now.cause
        return true
    }

    private func matchAndStart(_ prepared: Event) async throws -> Ending {
        var event = prepared
        var matching: Matching?
        let moment = context.releases.moment
        while !context.shouldEnd {
            let offering = try await offer(event)
            if !offering.isExclusive, matching == nil { matching = try await match(event) }
            let plan = try await plan(offering, offering.isExclusive ? nil : matching, event)
            do throws(EngineError) {
                return try await unlessReleased(plan.rest, since: moment, try await carryOut(plan, event))
            } catch {
                // A wait came or went between looking and writing: both are done again.
                guard error.code == .conflict else { throw error }
                context.quietQueues.mayHaveWaits(event.queue)
                let cause = event.cause
                guard try await isStillOpen(&event) else { return .ended }
                if event.cause != cause { matching = nil }
            }
        }
        return .abandoned
    }

    private func carryOut(_ plan: Plan, _ event: Event) async throws(EngineError) -> Ending {
        let payload = event.payload == self.event.payload ? nil : event.payload
        let now = context.now
        var matched = [
            Change.matched(
                event: event.sequence, payload: payload, starts: plan.starts,
                refusals: plan.matching.rest == nil ? plan.matching.refusals : [], at: now)
        ]
        if let rest = plan.matching.rest {
            matched.append(.refused(event: event.sequence, plan.matching.refusals, rest, at: now))
        }
        let running = plan.starts.filter { !$0.state.isSettled }
        let closing = Closing(event, rest: plan.rest, because: plan.restReason, at: context.now)
        let isDone = running.isEmpty && plan.deliveries.isEmpty
        if plan.rest != nil { context.hasHeld.set() }
        let changes = plan.changes + matched + plan.restChange(event) + (isDone ? [closing.change] : [])
        try await context.turns.alone(in: event.queue) { () async throws(EngineError) in
            try await context.commit(changes)
            context.turns.passed(event.sequence, of: event.queue)
        }
        try await context.progressed(event.queue)
        for cancelled in plan.cancelled {
            await context.kept.discard(cancelled.id)
            await settled(cancelled)
        }
        context.observe(.matched(event, plan.matching))
        for start in plan.starts where start.state.isSettled { await settled(start) }
        if isDone { return report(closing.state, closing.note) }
        return try await run(plan.deliveries, running, areNew: true, of: event, to: closing)
    }

    /// Runs the invocations that wait no longer, then those that start. The end of the event is written with the last.
    private func run(
        _ deliveries: [Delivery], _ starts: [Invocation], areNew: Bool, of event: Event, to closing: Closing
    ) async throws(EngineError) -> Ending {
        var event = event
        event.state = .running
        for delivery in deliveries {
            guard try await goOn(with: delivery, of: event) else { return .abandoned }
        }
        let open = starts.filter { !$0.state.isSettled }
        for (index, invocation) in open.enumerated() {
            let end = try await InvocationRun.run(
                invocation, event: event, closing: index == open.count - 1 ? [closing.change] : [], isNew: areNew,
                inTurnOf: event.queue, context: context)
            guard let end else { return .abandoned }
            await settled(end)
        }
        if open.isEmpty { try await context.commit([closing.change]) }
        return report(closing.state, closing.note)
    }

    /// Invocations that the event was given to by a process that ended before they were done with it.
    ///
    /// One whose own event is not over goes on with that.
    private func givenBefore() async throws(EngineError) -> [Invocation] {
        let all = try await context.insisting { () async throws(EngineError) in
            try await context.store.deliveries(of: event.sequence)
        }
        var given: [Invocation] = []
        for invocation in all where invocation.state == .running && context.interrupted.contains(invocation.id) {
            let trigger = try await context.insisting { () async throws(EngineError) in
                try await context.store.event(invocation.event)
            }
            if trigger?.state.isOpen != true { given.append(invocation) }
        }
        return given
    }

    /// - Returns: False if the run was abandoned.
    private func goOn(with delivery: Delivery, of event: Event) async throws(EngineError) -> Bool {
        let waiting = delivery.waiting
        let found = try await context.insisting { () async throws(EngineError) in
            try await context.store.invocation(waiting.invocation)
        }
        guard let invocation = found else { return true }
        return try await goOn(invocation, of: event)
    }

    /// - Returns: False if the run was abandoned.
    private func goOn(_ invocation: Invocation, of event: Event) async throws(EngineError) -> Bool {
        let found = try await context.insisting { () async throws(EngineError) in
            try await context.store.event(invocation.event)
        }
        guard let trigger = found else { return true }
        context.observe(.delivered(event, to: invocation))
        let end = try await InvocationRun.run(
            invocation, event: trigger, closing: [], inTurnOf: event.queue, context: context)
        guard let end else { return false }
        await settled(end)
        return true
    }

    private func failed(_ error: any Error, _ call: Breakers.Call) async throws(EngineError) -> Ending {
        let stored = error as? EngineError
        if let stored, stored.code != .unavailable || context.shouldEnd {
            context.ended(call, .none)
            throw stored
        }
        guard !context.shouldEnd else {
            context.ended(call, .none)
            return .abandoned
        }
        let failure = stored.map { EngineFailure($0.message, retryable: true) } ?? error as? EngineFailure
        if let failure, failure.retryable, let upstream = failure.upstream {
            if call.upstream == upstream {
                context.ended(call, .silent(failure.message))
            } else {
                context.ended(call, .none)
                context.silent(upstream, failure.message)
            }
            if context.breakers.trouble(at: upstream) != nil { return .blocked(upstream: upstream) }
        } else {
            context.ended(call, .none)
        }
        if let failure, failure.retryable {
            let decision = context.configuration.patience.decide(
                attempt: tries.count + 1, elapsed: context.steadyNow.since(tries.since ?? context.steadyNow),
                retryAfter: failure.retryAfter, random: context.random())
            if case .retry(let delay) = decision {
                context.logger.info(
                    "event postponed",
                    metadata: ["event": "\(event.sequence)", "delay": "\(delay)", "reason": "\(failure.message)"])
                return .postponed(until: context.steadyNow.adding(delay).storable, upstream: failure.upstream)
            }
        }
        return try await end(.failed, failure?.message ?? "\(error)")
    }

    private func end(
        _ state: EventState, _ note: String, _ changes: [Change] = []
    ) async throws(EngineError) -> Ending {
        try await context.commit(
            changes + [.event(sequence: event.sequence, state: state, note: note, at: context.now)])
        try await context.progressed(event.queue)
        return report(state, note)
    }

    private func report(_ state: EventState, _ note: String?) -> Ending {
        var event = event
        event.state = state
        event.note = note
        let duration = context.now.since(event.acceptedAt)
        EngineMetrics.ended(state, after: duration)
        context.observe(.eventEnded(event, duration: duration))
        return .ended
    }
}

extension Invocation {
    fileprivate var takenUpAgain: Invocation {
        var invocation = self
        invocation.attempt += 1
        return invocation
    }
}

/// Claims made while an event is prepared.
private struct DurableClaims: IdentityClaims {
    let context: EngineContext
    let event: Int64
    /// Set once something was claimed.
    let areMade = Flag()

    func claim(_ identity: String) async throws -> ClaimResult {
        areMade.set()
        do throws(EngineError) {
            return try await context.store.claim(identity, for: event, at: context.now, epoch: context.epoch)
        } catch {
            throw EngineFailure(error.message, retryable: true)
        }
    }
}
