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
