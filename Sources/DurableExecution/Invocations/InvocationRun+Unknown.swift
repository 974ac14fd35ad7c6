import Foundation

/// Deciding about a `once` command that may have taken place: by looking for it, else by the program or a person.
extension InvocationRun {
    /// How soon a look that failed is repeated, where nobody said when and the upstream's breaker is closed.
    private static let looksAgain = Duration.seconds(5)

    /// Looks whether the command took place.
    ///
    /// Until somebody answers that, the invocation is held; what was not found is looked for once more after a pause.
    /// Then the program is asked.
    ///
    /// - Parameter wasJustTried: Whether this run tried it, and not one that ended.
    func unknown(
        _ command: Command, _ entry: JournalEntry, because reason: String, wasJustTried: Bool
    ) async throws(EngineError) -> Resolution {
        let failure = CommandFailure(
            code: CommandFailure.unknownCode, message: reason, outcomeUnknown: true, details: entry.failure?.details)
        // Then there is nothing to wait for.
        guard context.handler.canLookFor(command) else { return .ask(entry, failure) }
        switch await context.breakers.admit(command.upstream, at: context.steadyNow) {
        case .hold(_, let trouble):
            return undecided(entry, failure, Hold(key: Breaker.holdKey(command.upstream ?? ""), reason: trouble))
        case .go(let call):
            let sighting = await look(for: command, entry, as: call)
            // A look that was cut off found out nothing.
            guard !Task.isCancelled else { return .end(.abandoned) }
            switch sighting {
            case .success(.repeatable): return tryAgain(command, entry, failure, wasJustTried: wasJustTried)
            case .success(let sighting): return try await decide(sighting, command, entry, failure)
            case .failure(let error): return lookFailed(error, command, entry, failure)
            }
        }
    }

    private func look(
        for command: Command, _ entry: JournalEntry, as call: Breakers.Call
    ) async -> Result<Sighting, any Error> {
        let checkpoint = Checkpoint(entry.checkpoint)
        do {
            let sighting = try await context.gate.runHandler(CrashNote(invocation)) {
                try await context.handler.lookFor(command, in: commandContext(entry, checkpoint))
            }
            context.ended(call, sighting.isAnswer && !Task.isCancelled ? .answered : .none)
            return .success(sighting)
        } catch {
            context.ended(call, Task.isCancelled ? .none : error.answer)
            return .failure(error)
        }
    }

    private func decide(
        _ sighting: Sighting, _ command: Command, _ entry: JournalEntry, _ failure: CommandFailure
    ) async throws(EngineError) -> Resolution {
        var entry = entry
        switch sighting {
        case .tookPlace(let outcome):
            entry.succeed(outcome, at: context.now)
            try await conclude(entry, of: command)
            return .goOn(.outcome(outcome))
        case .notFound where entry.state != .missing:
            let until = context.now.adding(context.configuration.secondLookDelay).storable
            let what = "\(command.name) was not found; it is looked for once more: \(failure.message)"
            return undecided(entry, failure, Hold(key: Self.pauseKey, reason: what, until: until), as: .missing)
        case .notFound, .unknowable, .repeatable:
            return .ask(entry, failure)
        }
    }

    /// What a pause between two looks is held by; nothing releases it but its time.
    private static let pauseKey = "look"

    private func lookFailed(
        _ error: any Error, _ command: Command, _ entry: JournalEntry, _ failure: CommandFailure
    ) -> Resolution {
        let why = (error as? CommandFailure)?.message ?? (error as? EngineError)?.message ?? "\(error)"
        guard error.mayEndByItself else {
            var failure = failure
            failure.message += "; it could not be looked for: \(why)"
            return .ask(entry, failure)
        }
        let key = command.upstream.map(Breaker.holdKey) ?? Self.pauseKey
        if context.breakers.trouble(at: command.upstream) != nil {
            return undecided(entry, failure, Hold(key: key, reason: why))
        }
        let delay = max((error as? CommandFailure)?.retryAfter ?? .zero, Self.looksAgain)
        return undecided(entry, failure, Hold(key: key, reason: why, until: context.now.adding(delay).storable))
    }

    /// Holds the invocation while it is not known whether its command took place.
    private func undecided(
        _ entry: JournalEntry, _ failure: CommandFailure, _ hold: Hold, as state: EntryState? = nil
    ) -> Resolution {
        var entry = entry
        entry.state = state ?? (entry.state == .missing ? .missing : .unknown)
        entry.failure = failure
        pending.add(.entry(entry))
        return .end(.held(hold))
    }

    /// Has a command performed again that may be, within its budget. The time in which nobody could try is not counted.
    private func tryAgain(
        _ command: Command, _ entry: JournalEntry, _ failure: CommandFailure, wasJustTried: Bool
    ) -> Resolution {
        var entry = entry
        entry.failure = failure
        guard wasJustTried else {
            entry.state = .retrying
            entry.heldAt = entry.heldAt ?? entry.intendedAt
            pending.add(.entry(entry))
            return .end(.retrying(at: context.now, failure))
        }
        if let trouble = context.breakers.trouble(at: command.upstream) {
            return hold(entry, Hold(key: Breaker.holdKey(command.upstream ?? ""), reason: trouble.reason))
        }
        let since = entry.intendedAt.adding(entry.heldFor)
        guard let time = retryTime(failure, attempt: entry.attempts, since: since) else { return .ask(entry, failure) }
        entry.state = .retrying
        pending.add(.entry(entry))
        return .end(.retrying(at: time, failure))
    }

    /// The program did not say what to do about an unknown outcome, so a person has to.
    func park(_ entry: JournalEntry, _ failure: CommandFailure) -> Ending {
        var entry = entry
        entry.state = .unknown
        entry.failure = failure
        pending.add(.entry(entry))
        let what = Journal.describe(entry.name, entry.input, entry.location)
        return .parked("unknown outcome of command \(entry.position), \(what): \(failure.message)")
    }
}

extension Sighting {
    /// Whether the upstream was asked and answered.
    fileprivate var isAnswer: Bool {
        switch self {
        case .tookPlace, .notFound: true
        case .unknowable, .repeatable: false
        }
    }
}

extension Error {
    /// What a look that failed says about the upstream.
    fileprivate var answer: Breaker.Answer {
        guard let failure = self as? CommandFailure else { return .none }
        return failure.upstreamDown ? .silent(failure.message) : .answered
    }

    /// Whether the same look may succeed later.
    fileprivate var mayEndByItself: Bool {
        if let error = self as? EngineError { return error.code == .unavailable }
        guard let failure = self as? CommandFailure else { return false }
        return failure.retryable || failure.upstreamDown || failure.outcomeUnknown
    }
}
