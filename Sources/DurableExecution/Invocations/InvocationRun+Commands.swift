import Foundation

/// Resolving the commands of a program: from the journal, or by having them performed.
extension InvocationRun {
    mutating func resolve(_ command: Command) async throws(EngineError) -> Resolution {
        switch journal.take(command, at: context.now) {
        case .replay(let input):
            return .goOn(input)
        case .diverged(let how):
            return .end(.parked(how))
        case .unknown(let entry):
            moment = context.releases.moment
            let reason = entry.isUndecided ? entry.failure?.message : nil
            return try await unknown(
                command, entry, because: reason ?? "the process ended while it was performed", wasJustTried: false)
        case .perform(let entry) where entry.position >= context.configuration.commandLimit:
            let limit = context.configuration.commandLimit
            return .end(
                await stopped(
                    ProgramFailure(
                        code: "too_many_commands",
                        message: "more than \(limit) commands in one run; start another for the rest",
                        location: command.location)))
        case .perform(let entry) where isTooMuch(command, entry):
            let limit = context.configuration.quotas.journalBytes
            return .end(
                await stopped(
                    ProgramFailure(
                        code: "journal_full",
                        message: "\(command.name) would make this run's journal larger than \(limit) bytes; "
                            + "do less in one run, or raise limits.journal",
                        location: command.location)))
        case .perform(let entry):
            return try await perform(command, entry)
        }
    }

    /// Whether there is no room for a command that the journal does not have yet.
    private func isTooMuch(_ command: Command, _ entry: JournalEntry) -> Bool {
        entry.attempts == 0
            && usage.journalBytes + command.input.count > context.configuration.quotas.journalBytes
    }

    /// Ends the run at a limit of the engine.
    private func stopped(_ failure: ProgramFailure) async -> Ending {
        await context.handler.stopped(invocation, of: event, because: failure)
        return .failed(failure)
    }

    private mutating func perform(
        _ command: Command, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        moment = context.releases.moment
        let entry = takenUp(entry)
        switch command.effect {
        case .store(let operation):
            context.observe(.command(invocation, command, position: entry.position))
            let start = context.now
            let ended = try await perform(operation, entry)
            tell(command, ended, since: start)
            return .goOn(ended.failure.map(ProgramInput.failure) ?? .outcome(ended.outcome ?? Data()))
        case .wait(let wait):
            return try await self.wait(wait, command, entry)
        case .once where command.lapsesIn != nil:
            return try await performUnlessAnswered(command, entry, in: command.lapsesIn ?? "")
        case .once, .read, .repeatable:
            return try await performAdmitted(command, entry)
        }
    }

    /// The entry at its next try.
    private func takenUp(_ entry: JournalEntry) -> JournalEntry {
        var entry = entry.takenUp(at: context.now)
        if !journal.holds(entry.position) { entry.asked = context.askingOrder.next() }
        return entry
    }

    /// Has a command performed unless its upstream does not answer.
    mutating func performAdmitted(
        _ command: Command, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        switch await context.breakers.admit(command.upstream, at: context.steadyNow) {
        case .go(let call):
            guard !context.shouldEnd else {
                context.ended(call, .none)
                return .end(.abandoned)
            }
            return try await perform(command, entry, as: call)
        case .hold(_, let reason):
            if let outcome = command.outcomeIfDown { return try await goOn(entry, without: outcome) }
            return hold(entry, Hold(key: Breaker.holdKey(command.upstream ?? ""), reason: reason))
        }
    }

    /// Goes on as if the command, whose upstream does not answer, had ended with `outcome`.
    private func goOn(_ entry: JournalEntry, without outcome: Data) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.succeed(outcome, at: context.now)
        try await conclude(entry)
        return .goOn(.outcome(outcome))
    }

    /// Has a command performed that its upstream's breaker lets through.
    private mutating func perform(
        _ command: Command, _ entry: JournalEntry, as call: Breakers.Call
    ) async throws(EngineError) -> Resolution {
        if let refusal = await refusal(of: command, entry) {
            context.ended(call, .none)
            guard !Task.isCancelled else { return .end(.abandoned) }
            var entry = entry
            // Not tried, so there is nothing about its outcome that is not known.
            entry.failure = refusal.withoutDoubt
            return try await judge(refusal.withoutDoubt, command, entry)
        }
        // Once the engine stops, nothing is begun that it would have to wait for.
        guard !context.shouldEnd else {
            context.ended(call, .none)
            return .end(.abandoned)
        }
        do throws(EngineError) {
            if command.effect == .once { try await intend(command, entry) }
        } catch {
            context.ended(call, .none)
            throw error
        }
        return try await attempt(command, entry, as: call)
    }

    private mutating func intend(_ command: Command, _ entry: JournalEntry) async throws(EngineError) {
        var entry = entry
        entry.inboxQueue = command.answersIn
        try await pending.commit(expectations + [.entry(entry)])
        outlook = nil
    }

    private func refusal(of command: Command, _ entry: JournalEntry) async -> CommandFailure? {
        do {
            try await context.gate.runHandler(CrashNote(invocation)) {
                try await context.handler.permit(command, in: commandContext(entry, Checkpoint(entry.checkpoint)))
            }
            return nil
        } catch {
            return error as? CommandFailure
                ?? CommandFailure(code: "internal", message: "\(command.name) was not judged: \(error)")
        }
    }

    /// Puts a command off; that is no try.
    func hold(_ entry: JournalEntry, _ hold: Hold) -> Resolution {
        var entry = entry
        entry.attempts -= 1
        entry.state = .held
        entry.heldAt = context.now
        // What an answer makes lapse begins to be asked for as it is tried.
        if outlook != nil { entry.inboxQueue = nil }
        pending.add(.entry(entry))
        return .end(.held(hold))
    }

    private func perform(
        _ operation: StoreOperation, _ entry: JournalEntry
    ) async throws(EngineError) -> JournalEntry {
        let time = context.now
        if let copy = try await context.rehearsal?.copy(for: operation, at: time) { try await pending.commit(copy) }
        guard case .get(let scope, let key) = operation else {
            let changes = pending.take()
            return try await context.insisting { () async throws(EngineError) in
                try await context.store.perform(
                    operation, quota: context.configuration.storeQuota, entry: entry, changes: changes, at: time,
                    epoch: context.epoch)
            }
        }
        let value = try await context.insisting { () async throws(EngineError) in
            try await context.store.value(scope: scope, key: key, at: time)
        }
        var entry = entry
        entry.succeed(value ?? Data("null".utf8), at: time)
        try await conclude(entry)
        return entry
    }

    private func tell(_ command: Command, _ entry: JournalEntry, since start: Date) {
        let result: Result<Data, CommandFailure> =
            if let failure = entry.failure { .failure(failure) } else { .success(entry.outcome ?? Data()) }
        context.observe(
            .commandEnded(invocation, command, position: entry.position, result, duration: context.now.since(start)))
    }

    /// Has the command performed and judges what became of it.
    private func attempt(
        _ command: Command, _ entry: JournalEntry, as call: Breakers.Call
    ) async throws(EngineError) -> Resolution {
        let checkpoint = Checkpoint(entry.checkpoint)
        let start = context.now
        context.observe(.command(invocation, command, position: entry.position))
        let result = await performed(command, entry, checkpoint)
        context.observe(
            .commandEnded(
                invocation, command, position: entry.position, result, duration: context.now.since(start)))
        context.ended(call, Task.isCancelled ? .none : result.answer)
        var entry = entry
        entry.checkpoint = checkpoint.value
        switch result {
        case .success(let outcome):
            entry.succeed(outcome, at: context.now)
            try await conclude(entry, of: command)
            return .goOn(.outcome(outcome))
        case .failure where Task.isCancelled:
            // The failure may be the cancellation's own; recording it would decide something that is not known.
            return .end(.abandoned)
        case .failure(let failure):
            return try await judge(failure, command, entry)
        }
    }

    private func performed(
        _ command: Command, _ entry: JournalEntry, _ checkpoint: Checkpoint
    ) async -> Result<Data, CommandFailure> {
        do {
            let outcome = try await context.gate.runHandler(CrashNote(invocation)) {
                try await context.handler.perform(command, in: commandContext(entry, checkpoint))
            }
            return .success(outcome)
        } catch let failure as CommandFailure {
            return .failure(failure)
        } catch {
            return .failure(
                CommandFailure(
                    code: "internal", message: "\(command.name) failed: \(error)",
                    outcomeUnknown: command.effect == .once))
        }
    }

    func commandContext(_ entry: JournalEntry, _ checkpoint: Checkpoint) -> CommandContext {
        CommandContext(
            invocation: invocation, event: event, position: entry.position, attempt: entry.attempts,
            checkpoint: entry.checkpoint, askedAt: entry.intendedAt, asked: entry.asked,
            isLate: journal.holds(entry.position),
            heldFor: entry.heldFor,
            isCatchingUp: journal.wasHeld
                || invocation.createdAt.since(min(event.occurredAt, event.acceptedAt)) > .seconds(60),
            save: { [pending, context] data, operations in
                var entry = entry
                entry.checkpoint = data
                let time = context.now
                do throws(EngineError) {
                    try await pending.commit([.entry(entry)] + operations.map { .store($0, at: time) })
                } catch {
                    throw CommandFailure(code: "unavailable", message: error.message, retryable: true)
                }
                checkpoint.value = data
            })
    }

    private func judge(
        _ failure: CommandFailure, _ command: Command, _ entry: JournalEntry
    ) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.failure = failure
        if failure.outcomeUnknown && entry.effect == Effect.once.name {
            return try await unknown(command, entry, because: failure.message, wasJustTried: true)
        }
        if let hold = failure.hold { return self.hold(entry, hold) }
        if failure.upstreamDown, let outcome = command.outcomeIfDown { return try await goOn(entry, without: outcome) }
        let mayBeRepeated = failure.retryable || failure.outcomeUnknown
        if failure.upstreamDown, mayBeRepeated, let trouble = context.breakers.trouble(at: command.upstream) {
            return hold(entry, Hold(key: Breaker.holdKey(command.upstream ?? ""), reason: trouble.reason))
        }
        // What may be repeated is repeated when nobody knows whether it took place.
        if mayBeRepeated,
            let time = retryTime(
                failure, attempt: entry.attempts, since: entry.intendedAt.adding(entry.heldFor))
        {
            entry.state = .retrying
            pending.add(.entry(entry))
            return .end(.retrying(at: time, failure))
        }
        try await settle(entry, failure)
        return .goOn(.failure(failure))
    }

    /// Records that a command failed for good.
    func settle(_ entry: JournalEntry, _ failure: CommandFailure) async throws(EngineError) {
        var entry = entry
        entry.state = .failed
        entry.failure = failure
        entry.endedAt = context.now
        try await conclude(entry)
    }

    /// Writes a finished entry: at once where a crash would leave doubt, else with the next commit.
    func conclude(_ entry: JournalEntry, of command: Command? = nil) async throws(EngineError) {
        let configuration = context.configuration
        if entry.effect == Effect.once.name || pending.count >= configuration.unwrittenLimit
            || pending.bytes >= configuration.unwrittenByteLimit
        {
            try await pending.commit([.entry(entry)] + production(entry, command))
        } else {
            pending.add(.entry(entry))
        }
    }

    /// What a `once` command that took place is going to cause.
    private func production(_ entry: JournalEntry, _ command: Command?) -> [Change] {
        guard let command, let outcome = entry.outcome, command.effect == .once else { return [] }
        let identities = context.handler.produces(command, outcome: outcome)
        guard !identities.isEmpty else { return [] }
        context.hasProduced.set()
        return [.produced(identities: identities, by: invocation.id, at: context.now)]
    }
}

extension CommandFailure {
    /// The same, of a command that was certainly not tried.
    fileprivate var withoutDoubt: CommandFailure {
        var failure = self
        failure.outcomeUnknown = false
        failure.upstreamDown = false
        return failure
    }
}

extension Result<Data, CommandFailure> {
    /// What the end of a command says about its upstream.
    fileprivate var answer: Breaker.Answer {
        switch self {
        case .success: .answered
        case .failure(let failure) where failure.upstreamDown: .silent(failure.message)
        case .failure(let failure): failure.hold == nil && !failure.wasNotTried ? .answered : .none
        }
    }
}

extension JournalEntry {
    /// The entry at its next try.
    fileprivate func takenUp(at time: Date) -> JournalEntry {
        var entry = self
        if let since = heldAt { entry.heldFor += max(time.since(since), .zero) }
        entry.heldAt = nil
        entry.attempts += 1
        entry.state = .intended
        return entry
    }

    mutating func succeed(_ outcome: Data, at time: Date) {
        state = .succeeded
        self.outcome = outcome
        failure = nil
        endedAt = time
    }
}
