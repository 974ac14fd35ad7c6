import Foundation

/// Waiting: a look at what came already, a decision if the time is over, else out of memory.
extension InvocationRun {
    /// How soon a wait is decided that could not be decided for want of an answer, if nobody said when.
    private static let lookAgain = Duration.seconds(1)

    /// How many events that had their turn are read at once.
    private static let pageLimit = 100

    /// How often what came meanwhile is looked at before the queue has to wait for the look.
    private static let roundLimit = 8

    mutating func wait(
        _ wait: Wait, _ command: Command, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.state = .waiting
        entry.inboxQueue = wait.queue
        let waiting = Waiting(
            invocation: invocation.id, rule: invocation.rule, trigger: invocation.event, position: entry.position,
            name: command.name, input: command.input, queue: wait.queue, since: invocation.event,
            deadline: wait.timeout.map { entry.intendedAt.adding($0).storable }, exclusive: wait.exclusive,
            isDry: invocation.isDry)
        guard let queue = wait.queue else {
            if let deadline = waiting.deadline, deadline <= context.now { return try await end(entry) }
            return try await leave(waiting, entry, wait.purpose, until: waiting.deadline)
        }
        return try await self.wait(waiting, in: queue, wait.purpose, entry)
    }

    private mutating func wait(
        _ waiting: Waiting, in queue: String, _ purpose: String, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        var waiting = waiting
        waiting.since = try await place(in: queue)
        // While the head of the queue runs this, no other event of it has its turn, and none after it had.
        guard turn != queue else {
            // That one may have ended the hold of a command before.
            if let resolution = try await lookAtPast(waiting, in: queue, entry) { return resolution }
            return try await settle(waiting, in: queue, purpose, entry, catchUp: .done)
        }
        let watch = context.turns.watch(queue)
        defer { context.turns.end(watch, of: queue) }
        var resolution = try await lookAtPast(waiting, in: queue, entry)
        var rounds = 0
        while resolution == nil, !context.shouldEnd {
            resolution = try await look(atEvents: watch.take(), for: waiting, entry)
            if resolution == nil {
                let catchUp = try await catchUp(with: queue, before: waiting.deadline)
                rounds += 1
                resolution = try await lookAndSettle(waiting, in: queue, purpose, entry, watch, catchUp, rounds)
            }
        }
        return resolution ?? .end(.abandoned)
    }

    /// Registers the wait, or ends it, unless further events had their turn, which are to be looked at first.
    private mutating func lookAndSettle(
        _ waiting: Waiting, in queue: String, _ purpose: String, _ entry: JournalEntry, _ watch: QueueTurns.Watch,
        _ catchUp: CatchUp, _ rounds: Int
    ) async throws(EngineError) -> Resolution? {
        await context.turns.enter(queue)
        defer { context.turns.leave(queue) }
        let rest = watch.take()
        if !rest.isEmpty {
            let resolution = try await look(atEvents: rest, for: waiting, entry)
            if resolution != nil || rounds < Self.roundLimit { return resolution }
        }
        return try await settle(waiting, in: queue, purpose, entry, catchUp: catchUp)
    }

    /// Decides a wait that nothing which had its turn ends.
    private mutating func settle(
        _ waiting: Waiting, in queue: String, _ purpose: String, _ entry: JournalEntry, catchUp: CatchUp
    ) async throws(EngineError) -> Resolution {
        guard let deadline = waiting.deadline, deadline <= context.now else {
            // What waits already is not turned away.
            if entry.attempts <= 1, let failure = try await refusal(of: waiting, in: queue) {
                try await settle(entry, failure)
                return .goOn(.failure(failure))
            }
            return try await leave(waiting, entry, purpose, until: waiting.deadline)
        }
        switch catchUp {
        case .later(let time): return try await leave(waiting, entry, purpose, until: time)
        case .blocked(let upstream):
            return try await leave(waiting, entry, purpose, until: nil, heldBy: Breaker.holdKey(upstream))
        case .done: break
        }
        let hasPending = try await context.insisting { () async throws(EngineError) in
            try await context.store.hasPending(after: waiting.since, queue: queue, by: deadline)
        }
        guard hasPending else { return try await end(entry) }
        // What came in time has its turn; then the event that had it decides.
        context.overdueWaits.insert(queue, at: context.now)
        return try await leave(waiting, entry, purpose, until: nil, heldBy: OverdueWaits.holdKey)
    }

    /// Why the wait can't be registered; nil if it can.
    private func refusal(of waiting: Waiting, in queue: String) async throws(EngineError) -> CommandFailure? {
        let limit = max(context.configuration.waitLimit, 1)
        guard limit < .max else { return nil }
        let (rule, id) = (invocation.rule, invocation.id)
        let count = try await context.insisting { () async throws(EngineError) in
            try await context.store.countWaits(on: queue, rule: rule, besides: id, limit: limit)
        }
        guard count >= limit else { return nil }
        return CommandFailure(
            code: "too_many_waits",
            message: "\(count) runs of \(rule) wait in \(queue) already (limits.waits); give waits a timeout, or the "
                + "rule mode = \"single\"")
    }

    // MARK: Looking

    func place(in queue: String) async throws(EngineError) -> Int64 {
        let invocation = invocation
        // What this invocation did and has not written yet may move its place.
        try await pending.commit()
        return try await context.insisting { () async throws(EngineError) in
            try await context.store.inboxPlace(of: invocation, in: queue)
        }
    }

    /// Looks at what had its turn before, page by page.
    private func lookAtPast(
        _ waiting: Waiting, in queue: String, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution? {
        var place = waiting.since
        while !context.shouldEnd {
            let last = place
            let page = try await context.insisting { () async throws(EngineError) in
                try await context.store.passedEvents(after: last, queue: queue, limit: Self.pageLimit)
            }
            if let resolution = try await look(at: page, for: waiting, entry) { return resolution }
            guard page.count == Self.pageLimit, let end = page.last?.sequence else { return nil }
            place = end
        }
        return .end(.abandoned)
    }

    private func look(
        atEvents sequences: [Int64], for waiting: Waiting, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution? {
        for sequence in sequences {
            let event = try await context.insisting { () async throws(EngineError) in
                try await context.store.event(sequence)
            }
            if let event, let resolution = try await look(at: [event], for: waiting, entry) { return resolution }
        }
        return nil
    }

    /// Offers the wait what had its turn before the wait was there to be offered anything.
    ///
    /// - Returns: How the wait ends; nil if it goes on.
    private func look(
        at events: [Event], for waiting: Waiting, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution? {
        for event in events where waiting.admits(event) && event.isForWaits {
            switch try await offer(event, to: waiting) {
            case .nothing: continue
            case .later(let failure):
                pending.add(.entry(entry))
                return .end(
                    .retrying(at: context.now.adding(failure.retryAfter ?? .seconds(5)).storable, failure.asCommand))
            case .found(let outcome):
                let starts = try await context.insisting { () async throws(EngineError) in
                    try await context.store.starts(of: event.sequence) ?? []
                }
                // What started a run of the other kind is not used up by that.
                guard !starts.contains(where: { $0.rule == waiting.rule && $0.isDry == waiting.isDry }) else {
                    continue
                }
                return try await end(entry, with: outcome, place: event.sequence)
            }
        }
        return nil
    }

    /// What an event is to a wait.
    enum Sight {
        case found(Data)
        case later(EngineFailure)
        case nothing
    }

    func offer(_ event: Event, to waiting: Waiting) async throws(EngineError) -> Sight {
        do {
            let outcome = try await context.gate.run(CrashNote(event: event.sequence)) {
                try await context.handler.offer(event, to: waiting)
            }
            return outcome.map { .found($0) } ?? .nothing
        } catch let error as EngineError {
            throw error
        } catch {
            if let failure = error as? EngineFailure, failure.retryable { return .later(failure) }
            return .nothing
        }
    }

    // MARK: Catching up

    /// What is known of the time when the process was down.
    private enum CatchUp {
        case done
        case later(Date)
        case blocked(upstream: String)
    }

    /// Fetches what happened while the process was down, if the deadline lies in that time.
    private func catchUp(with queue: String, before deadline: Date?) async throws(EngineError) -> CatchUp {
        guard let deadline, deadline < context.startedAt, deadline <= context.now else { return .done }
        switch await context.catchUps.catchUp(queue, in: context) {
        case .done: return .done
        case .failed(let failure): return .later(context.now.adding(failure.retryAfter ?? Self.lookAgain).storable)
        case .blocked(let upstream): return .blocked(upstream: upstream)
        }
    }

    // MARK: Ending and leaving

    private func end(
        _ entry: JournalEntry, with outcome: Data = Data("null".utf8), place: Int64? = nil
    ) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.succeed(outcome, at: context.now)
        entry.inboxPlace = place
        try await pending.commit([.entry(entry), .endWait(invocation: invocation.id)])
        return .goOn(.outcome(outcome))
    }

    /// Registers the wait and lets the invocation leave memory.
    ///
    /// - Parameter key: What has to be released before the wait can be decided.
    private mutating func leave(
        _ waiting: Waiting, _ entry: JournalEntry, _ purpose: String, until time: Date?, heldBy key: String? = nil
    ) async throws(EngineError) -> Resolution {
        var waitingInvocation = invocation
        waitingInvocation.state = .waiting
        waitingInvocation.reason = "waits for \(purpose)" + (entry.location.map { " at \($0)" } ?? "")
        waitingInvocation.nextAttemptAt = time
        waitingInvocation.holdKey = key
        waitingInvocation.updatedAt = context.now
        try await pending.commit([.entry(entry), .invocation(waitingInvocation), .wait(waiting)] + closing)
        invocation = waitingInvocation
        if let queue = waiting.queue { context.quietQueues.mayHaveWaits(queue) }
        guard let key, context.releases.wasReleased(key, since: moment) else {
            return .end(.waiting)
        }
        try await context.commit([.due(invocation: invocation.id, at: context.now)])
        invocation.nextAttemptAt = context.now
        return .end(.waiting)
    }
}

extension Event {
    /// Whether rules could have seen it: what was found to be a double, or was too old, is nobody's answer, and neither is
    /// an old message that a person has replayed.
    fileprivate var isForWaits: Bool {
        (state == .running || state == .done || state == .held) && source != Engine.replaySource
    }
}

extension EngineFailure {
    var asCommand: CommandFailure {
        CommandFailure(code: "unavailable", message: message, retryable: true, retryAfter: retryAfter)
    }
}
