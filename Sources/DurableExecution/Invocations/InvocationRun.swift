import Foundation

/// One invocation taken up once: from its beginning, or from its journal, until it settles.
struct InvocationRun {
    /// How a run ended.
    enum Ending: Equatable {
        case finished(Data?)
        case failed(ProgramFailure)
        case retrying(at: Date, CommandFailure)
        /// Its wait is registered, and the invocation written as waiting.
        case waiting
        /// Its next command may not be performed now.
        case held(Hold)
        case parked(String)
        case cancelled(String)
        /// Left as it is, because the engine stops; the next start takes it up again.
        case abandoned
    }

    /// What a command led to.
    enum Resolution {
        case goOn(ProgramInput)
        /// Nobody knows whether it took place; the program may say what then.
        case ask(JournalEntry, CommandFailure)
        case end(Ending)
    }

    let context: EngineContext
    let event: Event
    /// Written together with the end of the run.
    let closing: [Change]
    var invocation: Invocation
    var journal: Journal
    let pending: PendingWrites
    /// Releases after this moment are seen by a hold that is about to be written.
    var moment: Int64 = 0

    /// Runs `invocation` until it settles.
    ///
    /// - Parameters:
    ///   - closing: Changes to commit together with the end of the run, unless it is abandoned.
    ///   - isNew: Whether it has not done anything yet, so that there is no journal to read.
    /// - Returns: The invocation as it settled; nil if the run was abandoned.
    static func run(
        _ invocation: Invocation, event: Event, closing: [Change], isNew: Bool = false, context: EngineContext
    ) async throws(EngineError) -> Invocation? {
        defer { context.runs.settled(invocation.id) }
        do throws(EngineError) {
            let recorded =
                isNew
                ? []
                : try await context.insisting { () async throws(EngineError) in
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
        let ending = Ending.parked("its journal can't be used: \(error.message)")
        invocation.settle(ending, at: context.now)
        try await context.commit([.invocation(invocation)] + closing)
        context.report(invocation, ending)
        return invocation
    }

    private mutating func run() async throws(EngineError) -> Invocation? {
        context.observe(.started(invocation))
        let ending = try await runProgram()
        switch ending {
        case .abandoned:
            return nil
        case .waiting:
            break
        case .finished, .failed, .retrying, .held, .parked, .cancelled:
            invocation.settle(ending, at: context.now)
            var changes: [Change] = [.invocation(invocation)]
            if invocation.state.isEnded { changes.append(.endWait(invocation: invocation.id)) }
            try await pending.commit(changes + closing)
        }
        context.report(invocation, ending)
        if case .held(let hold) = ending { return try await unlessReleased(hold) }
        return invocation
    }

    /// Lets the invocation go if what it waits for was released between the look and the write.
    private func unlessReleased(_ hold: Hold) async throws(EngineError) -> Invocation {
        guard context.releases.wasReleased(hold.key, since: moment) else { return invocation }
        var released = invocation
        released.state = .retrying
        released.reason = "released"
        released.holdKey = nil
        released.nextAttemptAt = context.now
        do throws(EngineError) {
            try await context.commit(
                [.expect(.invocationState(id: invocation.id, .held)), .invocation(released)])
        } catch {
            // The release found it after all.
            guard error.code == .conflict else { throw error }
        }
        return released
    }

    private mutating func runProgram() async throws(EngineError) -> Ending {
        if let reason = cancellation { return .cancelled(reason) }
        let program: any Program
        do {
            program = try await context.gate.run(note) {
                try await context.handler.program(for: invocation, event: event)
            }
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

    /// Why the run is to end, if it is.
    private var cancellation: String? { context.runs.cancellation(of: invocation.id) ?? invocation.cancelRequest }

    private var note: CrashNote { CrashNote(invocation) }

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
        var resolution = Resolution.goOn(.begin)
        while !context.shouldEnd {
            if let reason = cancellation { return .cancelled(reason) }
            let step: ProgramStep
            switch resolution {
            case .end(let ending):
                return ending
            case .goOn(let input):
                step = await context.gate.run(note) { await program.advance(input) }
            case .ask(let entry, let failure):
                step = await context.gate.run(note) { await program.advance(.failure(failure)) }
                if case .failed(let end) = step.next, end.code == failure.code { return hold(entry, failure) }
                try await settle(entry, failure)
            }
            keep(step.logs)
            switch step.next {
            case .finished(let result):
                return journal.divergenceAtEnd().map(Ending.parked) ?? .finished(result)
            case .failed(let failure):
                return .failed(failure)
            case .command(let command):
                resolution = try await resolve(command)
            }
        }
        if case .end(let ending) = resolution { return ending }
        return .abandoned
    }

    /// Keeps log lines for the next commit, unless they were kept in the run that is being replayed.
    private func keep(_ lines: [LogLine]) {
        guard !lines.isEmpty, !journal.isReplaying else { return }
        pending.add(.logs(invocation: invocation.id, position: journal.position, lines: lines, at: context.now))
        for line in lines { context.observe(.log(invocation, line)) }
    }

    func retryTime(_ failure: CommandFailure, attempt: Int, since start: Date) -> Date? {
        let decision = context.configuration.retry.decide(
            attempt: attempt, elapsed: context.now.since(start), retryAfter: failure.retryAfter,
            random: context.random())
        guard case .retry(let delay) = decision else { return nil }
        return context.now.adding(delay).storable
    }
}
