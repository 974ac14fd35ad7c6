import Foundation

/// Waiting: a look at what came already, a decision if the time is over, else out of memory.
extension InvocationRun {
    /// How soon a wait whose time is over looks again, while events that came in time have not had their turn.
    private static let lookAgain = Duration.seconds(1)

    mutating func wait(
        _ wait: Wait, _ command: Command, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.state = .waiting
        entry.inboxQueue = wait.queue
        while !context.shouldEnd {
            do throws(EngineError) {
                return try await tryWaiting(wait, command, entry)
            } catch {
                // Something came between looking and writing; what it was is seen at the next look.
                guard error.code == .conflict else { throw error }
            }
        }
        return .end(.abandoned)
    }

    private mutating func tryWaiting(
        _ wait: Wait, _ command: Command, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        var waiting = Waiting(
            invocation: invocation.id, rule: invocation.rule, trigger: invocation.event, position: entry.position,
            name: command.name, input: command.input, queue: wait.queue, since: invocation.event,
            deadline: wait.timeout.map { entry.intendedAt.adding($0).storable }, exclusive: wait.exclusive)
        var expectations: [Change] = []
        if let queue = wait.queue {
            waiting.since = try await place(in: queue)
            let passed = try await passedEvents(queue, after: waiting.since)
            expectations = [.expect(.passedEvents(queue: queue, after: waiting.since, count: passed.count))]
            switch try await look(at: passed, for: waiting) {
            case .found(let event, let outcome):
                return try await end(entry, with: outcome, place: event.sequence, expectations)
            case .later(let failure):
                pending.add(.entry(entry))
                return .end(
                    .retrying(at: context.now.adding(failure.retryAfter ?? .seconds(5)).storable, failure.asCommand))
            case .nothing:
                break
            }
        }
        guard let deadline = waiting.deadline, deadline <= context.now else {
            return try await leave(waiting, entry, wait.purpose, until: waiting.deadline, expectations)
        }
        guard try await isOver(waiting, deadline) else {
            let next = context.now.adding(Self.lookAgain).storable
            return try await leave(waiting, entry, wait.purpose, until: next, expectations)
        }
        return try await end(entry, with: Data("null".utf8), place: nil, expectations)
    }

    // MARK: Looking

    private enum Sight {
        case found(Event, Data)
        case later(EngineFailure)
        case nothing
    }

    private func place(in queue: String) async throws(EngineError) -> Int64 {
        let invocation = invocation
        // What this invocation did and has not written yet may move its place.
        try await pending.commit()
        return try await context.insisting { () async throws(EngineError) in
            try await context.store.inboxPlace(of: invocation, in: queue)
        }
    }

    private func passedEvents(_ queue: String, after place: Int64) async throws(EngineError) -> [Event] {
        try await context.insisting { () async throws(EngineError) in
            try await context.store.passedEvents(after: place, queue: queue)
        }
    }

    /// Offers the wait what had its turn before the wait was there to be offered anything.
    private func look(at events: [Event], for waiting: Waiting) async throws(EngineError) -> Sight {
        for event in events where waiting.admits(event) && event.isForWaits {
            do {
                let outcome = try await context.gate.run(CrashNote(event: event.sequence)) {
                    try await context.handler.offer(event, to: waiting)
                }
                guard let outcome else { continue }
                let starts = try await context.store.starts(of: event.sequence) ?? []
                if !starts.contains(where: { $0.rule == waiting.rule }) { return .found(event, outcome) }
            } catch let error as EngineError {
                throw error
            } catch {
                if let failure = error as? EngineFailure, failure.retryable { return .later(failure) }
            }
        }
        return .nothing
    }

    /// Whether nothing that came by the deadline can still end the wait.
    private func isOver(_ waiting: Waiting, _ deadline: Date) async throws(EngineError) -> Bool {
        guard let queue = waiting.queue else { return true }
        if deadline < context.startedAt, await context.catchUps.catchUp(queue, by: context.handler) != nil {
            return false
        }
        let hasPending = try await context.insisting { () async throws(EngineError) in
            try await context.store.hasPending(after: waiting.since, queue: queue, by: deadline)
        }
        return !hasPending
    }

    // MARK: Ending and leaving

    private func end(
        _ entry: JournalEntry, with outcome: Data, place: Int64?, _ expectations: [Change]
    ) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.succeed(outcome, at: context.now)
        entry.inboxPlace = place
        try await pending.commit(expectations + [.entry(entry), .endWait(invocation: invocation.id)])
        return .goOn(.outcome(outcome))
    }

    /// Registers the wait and lets the invocation leave memory.
    private mutating func leave(
        _ waiting: Waiting, _ entry: JournalEntry, _ purpose: String, until time: Date?, _ expectations: [Change]
    ) async throws(EngineError) -> Resolution {
        var waitingInvocation = invocation
        waitingInvocation.state = .waiting
        waitingInvocation.reason = "waits for \(purpose)" + (entry.location.map { " at \($0)" } ?? "")
        waitingInvocation.nextAttemptAt = time
        waitingInvocation.updatedAt = context.now
        try await pending.commit(
            expectations + [.entry(entry), .invocation(waitingInvocation), .wait(waiting)] + closing)
        invocation = waitingInvocation
        if let queue = waiting.queue { context.quietQueues.mayHaveWaits(queue) }
        return .end(.waiting)
    }
}

extension Event {
    /// Whether rules could have seen it: what was found to be a double, or was too old, is nobody's answer.
    fileprivate var isForWaits: Bool { state == .running || state == .done }
}

extension EngineFailure {
    fileprivate var asCommand: CommandFailure {
        CommandFailure(code: "unavailable", message: message, retryable: true, retryAfter: retryAfter)
    }
}
