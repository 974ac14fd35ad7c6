import Foundation
import Logging

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
    /// The queue whose head had the invocation run, so that no further event of it has its turn meanwhile.
    let turn: String?
    var invocation: Invocation
    var journal: Journal
    var usage = RunUsage()
    let pending: PendingWrites
    /// What the program asked for last.
    private var lastCommand: Command?
    /// What was seen of the queue in which an answer makes the command under way lapse, until its intent is written.
    var outlook: Outlook?
    /// Whether the invocation was written as it settled already.
    var isWritten = false
    /// Releases after this moment are seen by a hold that is about to be written.
    var moment: Int64 = 0

    /// Runs `invocation` until it settles.
    ///
    /// - Parameters:
    ///   - closing: Changes to commit together with the end of the run, unless it is abandoned.
    ///   - isNew: Whether it has not done anything yet, so that there is no journal to read.
    ///   - turn: The queue whose head has it run; nil if it runs beside its queue.
    /// - Returns: The invocation as it settled; nil if the run was abandoned.
    static func run(
        _ invocation: Invocation, event: Event, closing: [Change], isNew: Bool = false, inTurnOf turn: String? = nil,
        context: EngineContext
    ) async throws(EngineError) -> Invocation? {
        defer { context.runs.settled(invocation.id) }
        var isNew = isNew
        while true {
            do throws(EngineError) {
                return try await runOnce(
                    invocation, event: event, closing: closing, isNew: isNew, inTurnOf: turn, context: context)
            } catch {
                if error.concernsOneRowOnly {
                    return try await park(invocation, because: error, closing: closing, context: context)
                }
                guard error.code == .unavailable, !context.shouldEnd else { throw error }
                // What was written stands; the rest is done again, as after a crash.
                context.logger.warning(
                    "store unavailable, running again",
                    metadata: ["invocation": "\(invocation.id)", "error": "\(error)"])
                try? await context.clock.sleep(for: .seconds(1))
                isNew = false
            }
        }
    }

    private static func runOnce(
        _ invocation: Invocation, event: Event, closing: [Change], isNew: Bool, inTurnOf turn: String?,
        context: EngineContext
    ) async throws(EngineError) -> Invocation? {
        let (journal, kept) = try await standing(of: invocation, isNew: isNew, context)
        var run = InvocationRun(
            context: context, event: event, closing: closing, turn: turn, invocation: invocation, journal: journal,
            usage: kept?.usage ?? RunUsage(), pending: PendingWrites(context))
        return try await run.run(kept)
    }

    /// Where the invocation goes on: at the wait where its program was kept, or at its beginning, with its whole journal.
    private static func standing(
        of invocation: Invocation, isNew: Bool, _ context: EngineContext
    ) async throws(EngineError) -> (Journal, KeptPrograms.Kept?) {
        if isNew { return (try Journal(invocation.id, recorded: []), nil) }
        if let kept = context.kept.take(invocation.id) {
            do throws(EngineError) {
                let recorded = try await journal(of: invocation, from: kept.position, context)
                if kept.stands(at: invocation, recorded), await kept.program.wake() {
                    return (try Journal(invocation.id, recorded: recorded, from: kept.position), kept)
                }
            } catch {
                await kept.program.cancel()
                throw error
            }
            await kept.program.cancel()
        }
        return (try Journal(invocation.id, recorded: try await journal(of: invocation, from: 0, context)), nil)
    }

    private static func journal(
        of invocation: Invocation, from position: Int, _ context: EngineContext
    ) async throws(EngineError) -> [JournalEntry] {
        try await context.insisting { () async throws(EngineError) in
            try await context.store.journal(of: invocation.id, from: position)
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

    private mutating func run(_ kept: KeptPrograms.Kept?) async throws(EngineError) -> Invocation? {
        context.observe(.started(invocation))
        let ending = try await runProgram(kept)
        switch ending {
        case .abandoned:
            return nil
        case .waiting:
            break
        case .held where isWritten:
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

    private mutating func runProgram(_ kept: KeptPrograms.Kept?) async throws(EngineError) -> Ending {
        if let reason = cancellation {
            await kept?.program.cancel()
            return .cancelled(reason)
        }
        guard invocation.isDry == context.configuration.isDryRun else {
            await kept?.program.cancel()
            moment = context.releases.moment
            return .held(Invocation.holdOfOtherKind(isDry: invocation.isDry))
        }
        let program: any Program
        do {
            program =
                if let kept { kept.program } else {
                    try await context.gate.run(note) {
                        try await context.handler.program(for: invocation, event: event)
                    }
                }
        } catch {
            return ending(withoutProgram: error)
        }
        do throws(EngineError) {
            let ending = try await drive(program, from: kept?.command)
            await leave(program, ending)
            return ending
        } catch {
            await program.cancel()
            throw error
        }
    }

    /// Keeps the program of an invocation that waits, and gives up any other.
    private func leave(_ program: any Program, _ ending: Ending) async {
        guard ending == .waiting, let command = lastCommand else { return await program.cancel() }
        await context.kept.keep(
            KeptPrograms.Kept(
                program: program, invocation: invocation, command: command, position: journal.position - 1,
                usage: usage))
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
    ///
    /// - Parameter kept: The wait that the program stands at, if it was kept.
    private mutating func drive(_ program: any Program, from kept: Command?) async throws(EngineError) -> Ending {
        var resolution = Resolution.goOn(.begin)
        if let kept { resolution = try await take(kept) }
        while !context.shouldEnd {
            if let reason = cancellation { return .cancelled(reason) }
            let step: ProgramStep
            switch resolution {
            case .end(let ending):
                return ending
            case .goOn(let input):
                let replaying = journal.isReplaying
                step = await context.gate.run(note) { await program.advance(input, replaying: replaying) }
            case .ask(let entry, let failure):
                step = await context.gate.run(note) { await program.advance(.failure(failure)) }
                if case .undecided = step.next { return park(entry, failure) }
                try await settle(entry, failure)
            }
            keep(step.logs)
            switch step.next {
            case .finished(let result):
                return journal.divergenceAtEnd().map(Ending.parked) ?? .finished(result)
            case .failed(let failure), .undecided(let failure):
                return .failed(failure)
            case .command(let command):
                resolution = try await take(command)
            }
        }
        if case .end(let ending) = resolution { return ending }
        return .abandoned
    }

    /// Resolves a command, and counts what is kept of it.
    private mutating func take(_ command: Command) async throws(EngineError) -> Resolution {
        lastCommand = command
        let resolution = try await resolve(command)
        if case .goOn(let input) = resolution { usage.count(command, input) }
        return resolution
    }

    /// Keeps log lines for the next commit, unless they were kept in the run that is being replayed.
    private mutating func keep(_ lines: [LogLine]) {
        guard !lines.isEmpty else { return }
        let lines = usage.admit(lines, context.configuration.quotas)
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
