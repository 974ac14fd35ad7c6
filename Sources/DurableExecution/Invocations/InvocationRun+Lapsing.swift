import Foundation

/// Commands that an answer overtakes: a look at what came, and another one as the intent or the hold is written, so that no
/// answer is missed between the two.
extension InvocationRun {
    struct Outlook {
        var queue: String
        /// The invocation's place.
        var since: Int64
        /// Everything up to here was looked at.
        var last: Int64
    }

    /// What has to be so for the command to be written down.
    var expectations: [Change] {
        guard let outlook else { return [] }
        return [.endWait(invocation: invocation.id), .expect(.noEvents(queue: outlook.queue, after: outlook.last))]
    }

    mutating func performUnlessAnswered(
        _ command: Command, _ entry: JournalEntry, in queue: String
    ) async throws(EngineError) -> Resolution {
        var held: Hold?
        while !context.shouldEnd {
            let since = try await place(in: queue)
            let waiting = waiting(at: command, entry, in: queue, since: since)
            switch try await answer(to: waiting) {
            case .found(let outcome): return try await lapse(entry, command, outcome)
            case .later(let failure): return .end(later(entry, failure))
            case .nothing: break
            }
            do throws(EngineError) {
                if let hold = held { return try await leave(waiting, hold) }
                let resolution = try await performAdmitted(command, entry)
                guard case .end(.held(let hold)) = resolution, !pending.hasDoubt(about: entry.position) else {
                    return resolution
                }
                held = hold
                if outlook != nil { return try await leave(waiting, hold) }
            } catch {
                // Something came between looking and writing; what it was is seen at the next look.
                guard error.code == .conflict, outlook != nil else { throw error }
            }
        }
        return .end(.abandoned)
    }

    private func waiting(
        at command: Command, _ entry: JournalEntry, in queue: String, since: Int64
    ) -> Waiting {
        Waiting(
            invocation: invocation.id, rule: invocation.rule, trigger: invocation.event, position: entry.position,
            name: command.name, input: command.input, queue: queue, since: since, deadline: nil, exclusive: false)
    }

    /// Offers the command what came since, also what has not had its turn.
    private mutating func answer(to waiting: Waiting) async throws(EngineError) -> Sight {
        let queue = waiting.queue ?? ""
        let store = context.store
        var outlook = Outlook(queue: queue, since: waiting.since, last: waiting.since)
        // In this order: what has its turn in between is seen twice rather than not at all.
        let pending = try await look(waiting, &outlook) { last, limit async throws(EngineError) in
            try await store.openEvents(after: last, through: .max, queue: queue, limit: limit)
        }
        let passed = try await look(waiting, &outlook) { last, limit async throws(EngineError) in
            try await store.passedEvents(after: last, queue: queue, limit: limit)
        }
        self.outlook = outlook
        // The earlier one counts, and what passed came before what has still to have its turn.
        if case .nothing = passed { return pending }
        return passed
    }

    /// Offers the command the events of a list, page by page.
    private func look(
        _ waiting: Waiting, _ outlook: inout Outlook,
        _ page: @escaping @Sendable (_ last: Int64, _ limit: Int) async throws(EngineError) -> [Event]
    ) async throws(EngineError) -> Sight {
        let limit = 100
        var last = waiting.since
        var sight = Sight.nothing
        while true {
            let place = last
            let events = try await context.insisting { () async throws(EngineError) in try await page(place, limit) }
            for event in events where waiting.admits(event) && event.mayBeAnswer {
                guard case .nothing = sight else { break }
                sight = try await offer(event, to: waiting)
            }
            last = events.last?.sequence ?? last
            outlook.last = max(outlook.last, last)
            guard case .nothing = sight, events.count == limit else { return sight }
        }
    }

    /// Ends the command unperformed.
    private mutating func lapse(
        _ entry: JournalEntry, _ command: Command, _ outcome: Data
    ) async throws(EngineError) -> Resolution {
        outlook = nil
        var entry = entry
        entry.inboxQueue = nil
        entry.succeed(outcome, at: context.now)
        context.observe(.command(invocation, command, position: entry.position))
        context.observe(
            .commandEnded(invocation, command, position: entry.position, .success(outcome), duration: .zero))
        try await pending.commit([.entry(entry), .endWait(invocation: invocation.id)])
        return .goOn(.outcome(outcome))
    }

    private func later(_ entry: JournalEntry, _ failure: EngineFailure) -> Ending {
        var entry = entry
        entry.state = .retrying
        entry.attempts -= 1
        entry.inboxQueue = nil
        pending.add(.entry(entry))
        return .retrying(at: context.now.adding(failure.retryAfter ?? .seconds(5)).storable, failure.asCommand)
    }

    /// Registers what ends the hold and lets the invocation leave memory.
    private mutating func leave(_ waiting: Waiting, _ hold: Hold) async throws(EngineError) -> Resolution {
        var settled = invocation
        settled.settle(.held(hold), at: context.now)
        try await pending.commit(expectations + [.invocation(settled), .wait(waiting)] + closing)
        outlook = nil
        invocation = settled
        isWritten = true
        if let queue = waiting.queue { context.quietQueues.mayHaveWaits(queue) }
        return .end(.held(hold))
    }
}

extension Event {
    /// What was found to be a double, was too old, or is only replayed by a person, is nobody's answer.
    fileprivate var mayBeAnswer: Bool {
        guard source != Engine.replaySource else { return false }
        return state == .pending || state == .running || state == .done || state == .held
    }
}
