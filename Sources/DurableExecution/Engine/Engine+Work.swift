import Foundation
import Logging

/// What the tasks do that ``Engine/run()`` starts; the actor is told how each ended.
extension Engine {
    nonisolated func perform(_ work: Schedule.Work, _ context: EngineContext) async {
        switch work {
        case .load(let load): await loaded(load, await read(load))
        case .takeDue(let limit): await took(await takeDue(limit, context))
        case .event(let event, let tries): await ran(event, await run(event, tries, context), context)
        case .invocation(let invocation): await ran(await resume(invocation, context))
        }
    }

    private nonisolated func read(_ load: Backlog.Load) async -> Result<[Event], EngineError> {
        do throws(EngineError) {
            switch load {
            case .page(let last, let limit):
                return .success(try await store.openEvents(after: last, through: .max, queue: nil, limit: limit))
            case .refill(let queue, let last, let through, let limit):
                return .success(try await store.openEvents(after: last, through: through, queue: queue, limit: limit))
            case .arrangement(_, let sequences):
                return .success(try await store.arrange(sequences, epoch: try await ownEpoch()))
            }
        } catch {
            return .failure(error)
        }
    }

    private nonisolated func takeDue(_ limit: Int, _ context: EngineContext) async -> Result<
        DueInvocations, EngineError
    > {
        do throws(EngineError) {
            return .success(
                try await context.insisting { () async throws(EngineError) in
                    try await store.takeDue(at: context.now, limit: limit, epoch: context.epoch)
                })
        } catch {
            return .failure(error)
        }
    }

    private nonisolated func run(
        _ event: Event, _ tries: Backlog.Tries, _ context: EngineContext
    ) async -> Result<EventRun.Ending, EngineError> {
        let run = EventRun(context: context, event: event, tries: tries) { await self.settled($0) }
        do throws(EngineError) {
            let ending = try await run.run()
            if case .ended = ending { try await context.survived(event.sequence) }
            return .success(ending)
        } catch {
            return .failure(error)
        }
    }

    nonisolated func perform(_ release: Breakers.Release, _ context: EngineContext) async {
        var failure: EngineError?
        do throws(EngineError) { try await context.release(release) } catch { failure = error }
        await released(release, failure)
    }

    /// Deletes what is too old, again and again.
    nonisolated func maintain(every interval: Duration) async {
        do throws(EngineError) { _ = try await store.scrub(isThorough: false, epoch: try await ownEpoch()) } catch {
            await note(error)
        }
        while !Task.isCancelled, !stopping.isSet {
            do { try await clock.sleep(for: interval) } catch { return }
            do throws(EngineError) {
                let count = try await prune(configuration.retention)
                try await expireHeld()
                try await store.tidy()
                logger.debug("old things deleted", metadata: ["count": "\(count)"])
            } catch {
                await note(error)
                signal.raise()
            }
        }
    }

    /// Notes whether events are held, and after a start of the other kind than before has waits look at what came
    /// meanwhile, when they were offered nothing.
    nonisolated func noteLeft(_ context: EngineContext) async throws(EngineError) {
        if try await !store.awaited(in: nil, before: nil).isEmpty { context.hasHeld.set() }
        let name = "engine:kind"
        let kind = configuration.isDryRun ? "dry" : "live"
        let former = try await store.cursor(name)
        guard former != kind else { return }
        if former != nil {
            try await store.lookAgain(dry: configuration.isDryRun, at: context.now, epoch: context.epoch)
        }
        try await store.setCursor(name, to: kind, epoch: context.epoch)
    }

    /// Tells of events that were accepted.
    nonisolated func report(_ events: [NewEvent], _ acceptances: [Acceptance], at time: Date) {
        var duplicates = 0
        for (event, acceptance) in zip(events, acceptances) {
            switch acceptance {
            case .accepted(let sequence):
                observer?.observe(.accepted(Event(event, sequence: sequence, acceptedAt: time)))
            case .duplicate(let other):
                duplicates += 1
                observer?.observe(.duplicate(event, of: other))
            }
        }
        EngineMetrics.accepted(events.count - duplicates)
        EngineMetrics.duplicates(duplicates)
    }

    /// Closes events for which what they were held for did not come in time.
    nonisolated func expireHeld() async throws(EngineError) {
        let limit = 500
        let before = now().adding(.zero - configuration.maxAge).storable
        let note = "what it was held for did not come within \(configuration.maxAge)"
        while try await store.expireHeld(before: before, note: note, limit: limit, epoch: try await ownEpoch()) == limit
        {}
    }

    private nonisolated func resume(
        _ invocation: Invocation, _ context: EngineContext
    ) async -> Result<Invocation?, EngineError> {
        do throws(EngineError) {
            let event = try await context.insisting { () async throws(EngineError) in
                try await store.event(invocation.event)
            }
            guard let event else { return .success(try await giveUp(invocation, context)) }
            let settled = try await InvocationRun.run(invocation, event: event, closing: [], context: context)
            if settled != nil { try await context.survived(event.sequence) }
            return .success(settled)
        } catch {
            return .failure(error)
        }
    }

    private nonisolated func giveUp(
        _ invocation: Invocation, _ context: EngineContext
    ) async throws(EngineError) -> Invocation {
        var invocation = invocation
        let failure = ProgramFailure(code: "no_event", message: "its event \(invocation.event) was deleted")
        invocation.settle(.failed(failure), at: context.now)
        try await context.commit([.invocation(invocation), .endWait(invocation: invocation.id)])
        context.report(invocation, .failed(failure))
        return invocation
    }
}
