public import Foundation

/// What a person, or a command of theirs, decides about invocations.
extension Engine {
    /// What became of a command whose outcome was unknown, as far as somebody found out.
    public enum Finding: Sendable, Hashable {
        /// It took place, with this outcome (JSON).
        case sent(outcome: Data)
        /// It did not take place, or may take place twice: it is performed again.
        case resend
        /// It did not take place and shall not; the program gets the failure `outcome_unknown`.
        case notSent
    }

    /// Decides about a command whose outcome is unknown; its invocation, which was parked for that or is held until it can
    /// be looked for, goes on.
    ///
    /// - Throws: ``EngineError``: `notFound`; `conflict` if the invocation has no such command.
    @discardableResult
    public nonisolated func resolve(_ id: String, _ finding: Finding) async throws(EngineError) -> Invocation {
        let invocation = try await found(id)
        guard var entry = try await store.journal(of: id).last, entry.isUndecided,
            invocation.state == .parked || invocation.state == .held
        else {
            throw EngineError(
                .conflict, "\(id) has no command with an unknown outcome; it is \(invocation.state.rawValue)")
        }
        var produced: [Change] = []
        switch finding {
        case .sent(let outcome):
            entry.succeed(outcome, at: now().storable)
            let command = Command(name: entry.name, input: entry.input, effect: .once, location: entry.location)
            let identities = handler.produces(command, outcome: outcome)
            if !identities.isEmpty { produced = [.produced(identities: identities, by: id, at: now().storable)] }
        case .resend:
            entry.state = .retrying
        case .notSent:
            entry.state = .failed
            var failure =
                entry.failure ?? CommandFailure(code: CommandFailure.unknownCode, message: "it was not sent")
            failure.outcomeUnknown = false
            entry.failure = failure
            entry.endedAt = now().storable
        }
        return try await goOn(invocation, [.entry(entry)] + produced)
    }

    /// Continues an invocation that failed, was parked or cancelled, or retries later, where it stopped.
    ///
    /// A command that failed for good is tried again with a fresh budget, unless it may have taken place: then it is looked
    /// for, or, where the program was told that its outcome is unknown, left as it is. If the program diverges from the journal (after
    /// a change of the rule, say), the invocation is parked with what differs.
    ///
    /// - Parameter version: The version to continue on; nil for the one that it had.
    /// - Throws: ``EngineError``: `notFound`; `conflict` if it is in another state, waits for ``resolve(_:_:)`` or was
    ///   forgotten.
    @discardableResult
    public nonisolated func retry(_ id: String, version: String? = nil) async throws(EngineError) -> Invocation {
        var invocation = try await found(id)
        guard [.failed, .parked, .cancelled, .retrying, .held].contains(invocation.state) else {
            throw EngineError(.conflict, "\(id) is \(invocation.state.rawValue); there is nothing to retry")
        }
        try await refuseForgotten(invocation)
        var changes: [Change] = []
        if var last = try await store.journal(of: id).last {
            if last.isUndecided, invocation.state == .parked {
                throw EngineError(.conflict, "\(id) has a command with an unknown outcome; resolve it first")
            }
            if last.state == .failed, invocation.state == .failed, !last.mayHaveTakenPlace {
                last.state = .retrying
                last.attempts = 0
                last.endedAt = nil
                changes.append(.entry(last))
            }
        }
        invocation.version = version ?? invocation.version
        return try await goOn(invocation, changes)
    }

    /// Runs an invocation that ended or was parked from its beginning, as if it had done nothing.
    ///
    /// - Parameter repeating: Whether `once` commands that took place, or may have, may be performed again.
    /// - Throws: ``EngineError``: `notFound`; `conflict` if it is in another state, or if there are such commands, which the
    ///   message lists, and `repeating` is false.
    @discardableResult
    public nonisolated func restart(
        _ id: String, version: String? = nil, repeating: Bool = false
    ) async throws(EngineError) -> Invocation {
        var invocation = try await found(id)
        guard invocation.state.isEnded || invocation.state == .parked else {
            throw EngineError(.conflict, "\(id) is \(invocation.state.rawValue); cancel it before it starts anew")
        }
        try await refuseForgotten(invocation)
        let done = try await store.journal(of: id).filter(\.mayHaveTakenPlace)
        guard done.isEmpty || repeating else {
            let list = done.map { entry in
                Journal.describe(entry.name, entry.input, entry.location)
                    + (entry.state == .succeeded ? "" : " (nobody knows whether it took place)")
            }
            throw EngineError(.conflict, "\(id) would repeat what it did: \(list.joined(separator: "; "))")
        }
        invocation.version = version ?? invocation.version
        return try await goOn(invocation, [.clearJournal(invocation: id)])
    }

    /// Ends an invocation for good. One that runs ends after the command in the air.
    ///
    /// While the engine is not at work, or stops, one that was running is returned as such; it is cancelled at the next
    /// start, unless it ends before.
    ///
    /// - Throws: ``EngineError``: `notFound`; `conflict` if it has ended already.
    @discardableResult
    public nonisolated func cancel(_ id: String, reason: String = "cancelled by hand") async throws(EngineError)
        -> Invocation
    {
        while true {
            let invocation = try await found(id)
            guard !invocation.state.isEnded else {
                if invocation.state == .cancelled, invocation.reason == reason { return invocation }
                throw EngineError(.conflict, "\(id) is \(invocation.state.rawValue) already")
            }
            guard invocation.state != .running else {
                // Kept first: should the process end now, the next one cancels it.
                try await store.write(
                    [.requestCancel(invocation: id, reason: reason)], epoch: try await ownEpoch())
                guard try await interrupt(id, because: reason) else { return try await found(id) }
                continue
            }
            do throws(EngineError) {
                try await store.write(
                    [.cancel(invocation: id, reason: reason, at: now().storable)], epoch: try await ownEpoch())
            } catch {
                guard error.code == .conflict else { throw error }
                continue
            }
            let cancelled = try await found(id)
            await changed(cancelled)
            return cancelled
        }
    }

    /// Asks a run to end and returns once it has settled.
    ///
    /// - Returns: False, at once, if nothing runs or the engine stops.
    func interrupt(_ id: String, because reason: String) async throws(EngineError) -> Bool {
        guard let context else { return false }
        return try await context.runs.cancel(id, because: reason) { [store] () async throws(EngineError) in
            try await store.invocation(id)?.state == .running
        }
    }

    /// Ends a wait at once, as if its time were over.
    ///
    /// - Throws: ``EngineError``: `notFound`; `conflict` if it does not wait.
    @discardableResult
    public nonisolated func wake(_ id: String) async throws(EngineError) -> Invocation {
        let invocation = try await found(id)
        guard invocation.state == .waiting, var entry = try await store.journal(of: id).last, entry.state == .waiting
        else {
            throw EngineError(.conflict, "\(id) is \(invocation.state.rawValue); it does not wait")
        }
        entry.succeed(Data("null".utf8), at: now().storable)
        return try await goOn(invocation, [.entry(entry), .endWait(invocation: id)])
    }

    /// What was forgotten has neither payload nor journal, so it would do again what it did.
    private nonisolated func refuseForgotten(_ invocation: Invocation) async throws(EngineError) {
        guard try await store.event(invocation.event)?.state == .forgotten else { return }
        throw EngineError(.conflict, "event \(invocation.event) of \(invocation.id) was forgotten")
    }

    private nonisolated func found(_ id: String) async throws(EngineError) -> Invocation {
        guard let invocation = try await store.invocation(id) else {
            throw EngineError(.notFound, "there is no invocation \(id)")
        }
        return invocation
    }

    /// Makes the invocation due now, unless it changed since it was looked at.
    private nonisolated func goOn(_ invocation: Invocation, _ changes: [Change]) async throws(EngineError) -> Invocation
    {
        let expectations: [Change] = [
            .expect(.invocationState(id: invocation.id, invocation.state)),
            .expect(.remembered(event: invocation.event)),
        ]
        var invocation = invocation
        invocation.state = .retrying
        invocation.reason = nil
        invocation.failure = nil
        invocation.result = nil
        invocation.updatedAt = now().storable
        invocation.nextAttemptAt = invocation.updatedAt
        invocation.holdKey = nil
        let takesBack = Change.requestCancel(invocation: invocation.id, reason: nil)
        try await store.write(
            expectations + changes + [.invocation(invocation), takesBack], epoch: try await ownEpoch())
        await changed(invocation)
        return invocation
    }

    /// Whether ``run()`` is at work, so that what the store calls running does run.
    var isAtWork: Bool { context != nil }
}
