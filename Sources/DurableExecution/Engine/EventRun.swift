import Foundation
import Logging

/// One event at the head of its queue: prepared, matched, and its rules run, one after the other, until each has settled.
struct EventRun {
    enum Ending {
        case ended
        /// It could not be prepared or matched now; its queue waits.
        case postponed(until: Date)
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

    private func work() async throws(EngineError) -> Ending {
        if event.state == .running {
            let starts = try await context.insisting { () async throws(EngineError) in
                try await context.store.starts(of: event.sequence)
            }
            if let starts { return try await run(starts.map(\.takenUpAgain), of: event) }
        }
        if context.now.since(event.occurredAt) > context.configuration.maxAge {
            return try await end(.expired, "older than \(context.configuration.maxAge) when its turn came")
        }
        do {
            return try await prepareAndMatch()
        } catch let error as EngineError {
            throw error
        } catch {
            return try await failed(error)
        }
    }

    private func prepareAndMatch() async throws -> Ending {
        var event = event
        let claims = DurableClaims(context: context, event: event.sequence)
        switch try await context.handler.prepare(event, claims: claims) {
        case .duplicate(let other, let reason):
            let note = other.map { "of event \($0): \(reason)" } ?? reason
            return try await end(.duplicate, note)
        case .ready(let payload):
            event.payload = payload
        }
        context.observe(.prepared(event))
        let matching = try await context.handler.match(event)
        guard matching.starts.count <= InvocationID.placeLimit else {
            throw EngineFailure("it starts more than \(InvocationID.placeLimit) rules", retryable: false)
        }
        return try await start(matching, event)
    }

    private func start(_ matching: Matching, _ event: Event) async throws(EngineError) -> Ending {
        let now = context.now
        let invocations = matching.starts.enumerated().map { place, start in
            Invocation(
                id: InvocationID(event: event.sequence, place: place).text, event: event.sequence, queue: event.queue,
                rule: start.rule, version: start.version, attempt: 1, createdAt: now, updatedAt: now)
        }
        let matched = Change.matched(
            event: event.sequence, payload: event.payload == self.event.payload ? nil : event.payload,
            starts: invocations, refusals: matching.refusals, at: now)
        if invocations.isEmpty {
            try await context.commit([matched, done])
            context.observe(.matched(event, matching))
            return report(.done, nil)
        }
        try await context.commit([matched])
        context.observe(.matched(event, matching))
        return try await run(invocations, of: event)
    }

    /// Runs those that have not settled, in order. The end of the event is written with the end of the last.
    private func run(_ invocations: [Invocation], of event: Event) async throws(EngineError) -> Ending {
        var event = event
        event.state = .running
        let open = invocations.filter { !$0.state.isSettled }
        for (index, invocation) in open.enumerated() {
            let closing = index == open.count - 1 ? [done] : []
            let end = try await InvocationRun.run(invocation, event: event, closing: closing, context: context)
            guard let end else { return .abandoned }
            await settled(end)
        }
        if open.isEmpty { try await context.commit([done]) }
        return report(.done, nil)
    }

    private var done: Change {
        .event(sequence: event.sequence, state: .done, note: nil, at: context.now)
    }

    private func failed(_ error: any Error) async throws(EngineError) -> Ending {
        guard !context.shouldEnd else { return .abandoned }
        let failure = error as? EngineFailure
        if let failure, failure.retryable {
            let decision = context.configuration.retry.decide(
                attempt: tries.count + 1, elapsed: context.now.since(tries.since ?? context.now),
                retryAfter: failure.retryAfter, random: context.random())
            if case .retry(let delay) = decision {
                context.logger.info(
                    "event postponed",
                    metadata: ["event": "\(event.sequence)", "delay": "\(delay)", "reason": "\(failure.message)"])
                return .postponed(until: context.now.adding(delay).storable)
            }
        }
        return try await end(.failed, failure?.message ?? "\(error)")
    }

    private func end(_ state: EventState, _ note: String) async throws(EngineError) -> Ending {
        try await context.commit([.event(sequence: event.sequence, state: state, note: note, at: context.now)])
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

    func claim(_ identity: String) async throws -> ClaimResult {
        do throws(EngineError) {
            return try await context.store.claim(identity, for: event, at: context.now, epoch: context.epoch)
        } catch {
            throw EngineFailure(error.message, retryable: true)
        }
    }
}
