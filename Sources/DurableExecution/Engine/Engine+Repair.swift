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

    /// Decides about a command whose outcome is unknown; its invocation, which was parked for that, goes on.
    ///
    /// - Throws: ``EngineError``: `notFound`; `conflict` if the invocation has no such command.
    @discardableResult
    public nonisolated func resolve(_ id: String, _ finding: Finding) async throws(EngineError) -> Invocation {
        let invocation = try await found(id)
        guard var entry = try await store.journal(of: id).last, entry.state == .unknown, invocation.state == .parked
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
            entry.failure =
                entry.failure
                ?? CommandFailure(code: CommandFailure.unknownCode, message: "it was not sent", outcomeUnknown: true)
            entry.endedAt = now().storable
        }
        return try await goOn(invocation, [.entry(entry)] + produced)
    }

    /// Continues an invocation that failed, was parked or cancelled, or retries later, where it stopped.
    ///
    /// A command that failed for good is tried again with a fresh budget. If the program diverges from the journal (after
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
            if last.state == .unknown {
                throw EngineError(.conflict, "\(id) has a command with an unknown outcome; resolve it first")
            }
            if last.state == .failed, invocation.state == .failed {
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
    /// - Parameter repeating: Whether `once` commands that it performed may be performed again.
    /// - Throws: ``EngineError``: `notFound`; `conflict` if it is in another state, or if it performed `once` commands,
    ///   which the message lists, and `repeating` is false.
    @discardableResult
    public nonisolated func restart(
        _ id: String, version: String? = nil, repeating: Bool = false
    ) async throws(EngineError) -> Invocation {
        var invocation = try await found(id)
        guard invocation.state.isEnded || invocation.state == .parked else {
            throw EngineError(.conflict, "\(id) is \(invocation.state.rawValue); cancel it before it starts anew")
        }
        try await refuseForgotten(invocation)
        let done = try await store.journal(of: id)
            .filter { $0.effect == Effect.once.name && ($0.state == .succeeded || $0.state == .unknown) }
        guard done.isEmpty || repeating else {
            let list = done.map { Journal.describe($0.name, $0.input, $0.location) }.joined(separator: "; ")
            throw EngineError(.conflict, "\(id) would repeat what it did: \(list)")
        }
        invocation.version = version ?? invocation.version
        return try await goOn(invocation, [.clearJournal(invocation: id)])
    }

    /// Ends an invocation for good. One that runs ends after the command in the air.
    ///
    /// While the engine is not at work, one that was running when it stopped is returned as such; it is cancelled at the
    /// next start.
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
                guard await isAtWork else { return try await found(id) }
                try await interrupt(id, because: reason)
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
        let expectation = Expectation.invocationState(id: invocation.id, invocation.state)
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
            [.expect(expectation)] + changes + [.invocation(invocation), takesBack], epoch: try await ownEpoch())
        await changed(invocation)
        return invocation
    }
}
