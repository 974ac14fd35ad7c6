import Conversations
public import DurableExecution
import Foundation

/// Whether what may have taken place did.
extension RuleHost {
    public func canLookFor(_ command: Command) -> Bool {
        [.send, .react].contains(RuleCommand(rawValue: command.name))
    }

    /// Looks whether a send or reaction whose outcome is unknown took place.
    public func lookFor(_ command: Command, in context: CommandContext) async throws -> Sighting {
        guard let kind = RuleCommand(rawValue: command.name) else { return .unknowable }
        if kind == .react, repeatsReactions { return .repeatable }
        let input = try JSONValue(parsing: command.input)
        let late = CommandFailure(
            code: "deadline", message: "looking for a \(command.name) took longer than \(commandDeadline)",
            retryable: true, upstreamDown: true)
        do {
            return try await withDeadline(late) { [executor] in
                try await executor.search.sighting(of: kind, input, in: context)
            }
        } catch let error as APIError {
            throw CommandFailure(error)
        }
    }

    /// Cancels `body` once it takes too long, and throws `late`.
    private func withDeadline<Value: Sendable>(
        _ late: CommandFailure, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let deadline = commandDeadline
        return try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask { [clock] in
                try await clock.sleep(for: deadline)
                throw late
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

extension RuleHost {
    /// Notes that a send or reaction of unknown outcome took place, as somebody saw; its invocation goes on.
    ///
    /// Its message is looked for first, so that it is found for no other send of the same text, and the rule gets it. If it is
    /// not listed, the outcome says nothing more than that it took place.
    ///
    /// - Throws: ``EngineError``: as ``Engine/resolve(_:_:)``; `unavailable` while the API can't be asked, and then nothing
    ///   is decided.
    @discardableResult
    public func resolveAsSent(_ id: String) async throws(EngineError) -> Invocation {
        guard let engine = link.engine else { throw EngineError(.conflict, "no engine is connected") }
        let outcome = try await foundOutcome(of: id, engine) ?? Data("{}".utf8)
        return try await engine.resolve(id, .sent(outcome: outcome))
    }

    private func foundOutcome(of id: String, _ engine: Engine) async throws(EngineError) -> Data? {
        guard let invocation = try await engine.invocation(id), let event = try await engine.event(invocation.event),
            let entry = try await engine.journal(ofInvocation: id).last,
            entry.state == .unknown || entry.state == .missing
        else { return nil }
        let command = Command(name: entry.name, input: entry.input, effect: .once, location: entry.location)
        let context = CommandContext(
            invocation: invocation, event: event, position: entry.position, attempt: entry.attempts,
            checkpoint: entry.checkpoint, askedAt: entry.intendedAt, asked: entry.asked, save: { _, _ in })
        guard canLookFor(command) else { return nil }
        do {
            guard case .tookPlace(let outcome) = try await lookFor(command, in: context) else { return nil }
            return outcome
        } catch {
            let why = (error as? CommandFailure)?.message ?? "\(error)"
            throw EngineError(
                .unavailable,
                "\(id): which message it was can't be told while the API does not answer (\(why)); nothing was decided, so "
                    + "say it again once the API answers", cause: error)
        }
    }
}
