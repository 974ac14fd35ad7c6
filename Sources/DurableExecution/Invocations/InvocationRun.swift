import Foundation
import Logging

/// One invocation taken up once: from its beginning, or from its journal, until it settles.
struct InvocationRun {
    /// How a run ended.
    enum Ending: Equatable {
        case finished(Data?)
        case failed(ProgramFailure)
        case retrying(at: Date, CommandFailure)
        case parked(String)
        /// Left as it is, because the engine stops; the next start takes it up again.
        case abandoned
    }

    private let context: EngineContext
    private let event: Event
    /// Written together with the end of the run.
    private let closing: [Change]
    private var invocation: Invocation
    private var journal: Journal
    private let pending: PendingWrites

    /// Runs `invocation` until it settles.
    ///
    /// - Parameter closing: Changes to commit together with the end of the run, unless it is abandoned.
    /// - Returns: The invocation as it settled; nil if the run was abandoned.
    static func run(
        _ invocation: Invocation, event: Event, closing: [Change], context: EngineContext
    ) async throws(EngineError) -> Invocation? {
        do throws(EngineError) {
            let recorded = try await context.insisting { () async throws(EngineError) in
                try await context.store.journal(of: invocation.id)
            }
            let journal = try Journal(invocation.id, recorded: recorded)
            var run = InvocationRun(
                context: context, event: event, closing: closing, invocation: invocation, journal: journal,
                pending: PendingWrites(context))
            return try await run.run()
        } catch {
            guard error.concernsOneRowOnly else { throw error }
            return try await park(invocation, because: error, closing: closing, context: context)
        }
    }

    /// Holds an invocation whose rows can't be read or written, so that the others go on.
    private static func park(
        _ invocation: Invocation, because error: EngineError, closing: [Change], context: EngineContext
    ) async throws(EngineError) -> Invocation {
        var invocation = invocation
        invocation.settle(.parked("its journal can't be used: \(error.message)"), at: context.now)
        try await context.commit([.invocation(invocation)] + closing)
        context.report(invocation, .parked(invocation.reason ?? ""))
        return invocation
    }

    private mutating func run() async throws(EngineError) -> Invocation? {
        context.observe(.started(invocation))
        let ending = try await runProgram()
        guard ending != .abandoned else { return nil }
        invocation.settle(ending, at: context.now)
        try await pending.commit([.invocation(invocation)] + closing)
        context.report(invocation, ending)
        return invocation
    }

    private mutating func runProgram() async throws(EngineError) -> Ending {
        let program: any Program
        do {
            program = try await context.handler.program(for: invocation, event: event)
        } catch {
            return ending(withoutProgram: error)
        }
        do throws(EngineError) {
            let ending = try await drive(program)
            await program.cancel()
            return ending
        } catch {
            await program.cancel()
            throw error
        }
    }

    private func ending(withoutProgram error: any Error) -> Ending {
        guard !context.shouldEnd else { return .abandoned }
        let failure = CommandFailure(
            code: "no_program", message: (error as? EngineFailure)?.message ?? "\(error)",
            retryable: (error as? EngineFailure)?.retryable ?? false,
            retryAfter: (error as? EngineFailure)?.retryAfter)
        if failure.retryable, let time = retryTime(failure, attempt: invocation.attempt, since: invocation.createdAt) {
            return .retrying(at: time, failure)
        }
        return .failed(ProgramFailure(code: failure.code, message: failure.message))
    }

    /// Advances the program until it ends or has to wait.
    private mutating func drive(_ program: any Program) async throws(EngineError) -> Ending {
        var input = ProgramInput.begin
        while !context.shouldEnd {
            let step = await program.advance(input)
            keep(step.logs)
            switch step.next {
            case .finished(let result):
                return journal.divergenceAtEnd().map(Ending.parked) ?? .finished(result)
            case .failed(let failure):
                return .failed(failure)
            case .command(let command):
                switch try await resolve(command) {
                case .goOn(let next): input = next
                case .end(let ending): return ending
                }
            }
        }
        return .abandoned
    }

    /// Keeps log lines for the next commit, unless they were kept in the run that is being replayed.
    private func keep(_ lines: [LogLine]) {
        guard !lines.isEmpty, !journal.isReplaying else { return }
        pending.add(.logs(invocation: invocation.id, position: journal.position, lines: lines, at: context.now))
        for line in lines { context.observe(.log(invocation, line)) }
    }

    // MARK: Commands

    private enum Resolution {
        case goOn(ProgramInput)
        case end(Ending)
    }

    private mutating func resolve(_ command: Command) async throws(EngineError) -> Resolution {
        switch journal.take(command, at: context.now) {
        case .replay(let input):
            return .goOn(input)
        case .diverged(let how):
            return .end(.parked(how))
        case .unknown(let entry):
            return .end(unknown(entry, because: "the process ended while it was performed"))
        case .perform(let entry) where entry.position >= context.configuration.commandLimit:
            let limit = context.configuration.commandLimit
            return .end(
                .failed(
                    ProgramFailure(
                        code: "too_many_commands",
                        message: "more than \(limit) commands in one invocation (commandLimit)",
                        location: command.location)))
        case .perform(let entry):
            return try await perform(command, entry)
        }
    }

    private func perform(_ command: Command, _ entry: JournalEntry) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.attempts += 1
        entry.state = .intended
        switch command.effect {
        case .store(let operation):
            context.observe(.command(invocation, command, position: entry.position))
            let start = context.now
            entry = try await perform(operation, entry)
            tell(command, entry, since: start)
            return .goOn(entry.failure.map(ProgramInput.failure) ?? .outcome(entry.outcome ?? Data()))
        case .once:
            try await pending.commit([.entry(entry)])
            return try await attempt(command, entry)
        case .read, .repeatable:
            return try await attempt(command, entry)
        }
    }

    private func perform(
        _ operation: StoreOperation, _ entry: JournalEntry
    ) async throws(EngineError) -> JournalEntry {
        let time = context.now
        guard case .get(let scope, let key) = operation else {
            let changes = pending.take()
            return try await context.insisting { () async throws(EngineError) in
                try await context.store.perform(
                    operation, entry: entry, changes: changes, at: time, epoch: context.epoch)
            }
        }
        let value = try await context.insisting { () async throws(EngineError) in
            try await context.store.value(scope: scope, key: key, at: time)
        }
        var entry = entry
        entry.succeed(value ?? Data("null".utf8), at: time)
        pending.add(.entry(entry))
        return entry
    }

    private func tell(_ command: Command, _ entry: JournalEntry, since start: Date) {
        let result: Result<Data, CommandFailure> =
            if let failure = entry.failure { .failure(failure) } else { .success(entry.outcome ?? Data()) }
        context.observe(
            .commandEnded(invocation, command, position: entry.position, result, duration: context.now.since(start)))
    }

    /// Has the command performed and judges what became of it.
    private func attempt(_ command: Command, _ entry: JournalEntry) async throws(EngineError) -> Resolution {
        let checkpoint = Checkpoint(entry.checkpoint)
        let start = context.now
        context.observe(.command(invocation, command, position: entry.position))
        let result = await performed(command, entry, checkpoint)
        context.observe(
            .commandEnded(
                invocation, command, position: entry.position, result, duration: context.now.since(start)))
        var entry = entry
        entry.checkpoint = checkpoint.value
        switch result {
        case .success(let outcome):
            entry.succeed(outcome, at: context.now)
            try await conclude(entry)
            return .goOn(.outcome(outcome))
        case .failure where Task.isCancelled:
            // The failure may be the cancellation's own; recording it would decide something that is not known.
            return .end(.abandoned)
        case .failure(let failure):
            return try await judge(failure, entry)
        }
    }

    private func performed(
        _ command: Command, _ entry: JournalEntry, _ checkpoint: Checkpoint
    ) async -> Result<Data, CommandFailure> {
        let pending = pending
        let commandContext = CommandContext(
            invocation: invocation, event: event, position: entry.position, attempt: entry.attempts,
            checkpoint: entry.checkpoint,
            save: { data in
                var entry = entry
                entry.checkpoint = data
                do throws(EngineError) {
                    try await pending.commit([.entry(entry)])
                } catch {
                    throw CommandFailure(code: "unavailable", message: error.message, retryable: true)
                }
                checkpoint.value = data
            })
        do {
            return .success(try await context.handler.perform(command, in: commandContext))
        } catch let failure as CommandFailure {
            return .failure(failure)
        } catch {
            return .failure(
                CommandFailure(
                    code: "internal", message: "\(command.name) failed: \(error)",
                    outcomeUnknown: command.effect == .once))
        }
    }

    private func judge(_ failure: CommandFailure, _ entry: JournalEntry) async throws(EngineError) -> Resolution {
        var entry = entry
        entry.failure = failure
        if failure.outcomeUnknown && entry.effect == Effect.once.name {
            return .end(unknown(entry, because: failure.message))
        }
        // What may be repeated is repeated when nobody knows whether it took place.
        if failure.retryable || failure.outcomeUnknown,
            let time = retryTime(failure, attempt: entry.attempts, since: entry.intendedAt)
        {
            entry.state = .retrying
            pending.add(.entry(entry))
            return .end(.retrying(at: time, failure))
        }
        entry.state = .failed
        entry.endedAt = context.now
        try await conclude(entry)
        return .goOn(.failure(failure))
    }

    /// Writes a finished entry: at once where a crash would leave doubt, else with the next commit.
    private func conclude(_ entry: JournalEntry) async throws(EngineError) {
        if entry.effect == Effect.once.name || pending.count >= context.configuration.unwrittenLimit {
            try await pending.commit([.entry(entry)])
        } else {
            pending.add(.entry(entry))
        }
    }

    private func unknown(_ entry: JournalEntry, because reason: String) -> Ending {
        var entry = entry
        entry.state = .unknown
        pending.add(.entry(entry))
        let what = Journal.describe(entry.name, entry.input, entry.location)
        return .parked("unknown outcome of command \(entry.position), \(what): \(reason)")
    }

    private func retryTime(_ failure: CommandFailure, attempt: Int, since start: Date) -> Date? {
        let decision = context.configuration.retry.decide(
            attempt: attempt, elapsed: context.now.since(start), retryAfter: failure.retryAfter,
            random: context.random())
        guard case .retry(let delay) = decision else { return nil }
        return context.now.adding(delay).storable
    }
}

extension JournalEntry {
    fileprivate mutating func succeed(_ outcome: Data, at time: Date) {
        state = .succeeded
        self.outcome = outcome
        failure = nil
        endedAt = time
    }
}

extension Invocation {
    /// Takes on the state that goes with how a run ended.
    fileprivate mutating func settle(_ ending: InvocationRun.Ending, at time: Date) {
        updatedAt = time
        reason = nil
        nextAttemptAt = nil
        switch ending {
        case .finished(let result):
            state = .finished
            self.result = result
        case .failed(let failure):
            state = .failed
            self.failure = failure
            reason = failure.message
        case .retrying(let time, let failure):
            state = .retrying
            nextAttemptAt = time
            reason = failure.message
        case .parked(let reason):
            state = .parked
            self.reason = reason
        case .abandoned:
            preconditionFailure("an abandoned run leaves the invocation as it was")
        }
    }
}

extension EngineError {
    /// Whether other work can go on after it.
    var concernsOneRowOnly: Bool {
        switch code {
        case .badInput, .notFound, .conflict, .corrupted: true
        case .unavailable, .storeFailed, .superseded: false
        }
    }
}

extension EngineContext {
    /// Tells observers, metrics and the log how a run of an invocation ended.
    fileprivate func report(_ invocation: Invocation, _ ending: InvocationRun.Ending) {
        EngineMetrics.settled(invocation.state)
        switch ending {
        case .finished, .failed:
            observe(.ended(invocation, duration: invocation.updatedAt.since(invocation.createdAt)))
        case .retrying(let time, let failure):
            observe(.retrying(invocation, at: time, failure))
        case .parked:
            logger.warning(
                "invocation parked",
                metadata: [
                    "invocation": "\(invocation.id)", "rule": "\(invocation.rule)",
                    "reason": "\(invocation.reason ?? "")",
                ])
            observe(.parked(invocation))
        case .abandoned:
            break
        }
    }
}
