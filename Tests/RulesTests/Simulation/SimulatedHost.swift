import DurableExecution
import Foundation
import TestSupport

@testable import Rules

/// The host with Lua's threads in the order of a ``SeededExecutor``, and without one promise if a fault is planted.
struct SimulatedHost: EventHandler {
    let base: RuleHost
    let fault: RuleFault?
    let executor: SeededExecutor

    private func outside<Value: Sendable>(
        _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await executor.outside(call)
    }

    func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation {
        try await base.prepare(event, claims: claims)
    }

    func kept(_ facts: [Fact]) async { await base.kept(facts) }

    func facts(in event: Event) async -> [Fact] { await base.facts(in: event) }

    func upstream(preparing event: Event) -> String? { base.upstream(preparing: event) }

    func upstream(catchingUp queue: String) -> String? { base.upstream(catchingUp: queue) }

    func stopped(_ invocation: Invocation, of event: Event, because failure: ProgramFailure) async {
        await base.stopped(invocation, of: event, because: failure)
    }

    func pauseSubject(of rule: String) -> String? { base.pauseSubject(of: rule) }

    func match(_ event: Event) async throws -> Matching { try await outside { try await base.match(event) } }

    func program(for invocation: Invocation, event: Event) async throws -> any Program {
        let program = try await outside { try await base.program(for: invocation, event: event) }
        return SeededProgram(program, executor)
    }

    func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        try await outside { try await base.offer(event, to: waiting) }
    }

    func catchUp(_ queue: String) async throws { try await base.catchUp(queue) }

    func canLookFor(_ command: Command) -> Bool { base.canLookFor(command) }

    func lookFor(_ command: Command, in context: CommandContext) async throws -> Sighting {
        if fault == .findsAnything { return .tookPlace(outcome: Data(#"{"id":"another's"}"#.utf8)) }
        return try await base.lookFor(command, in: context)
    }

    func permit(_ command: Command, in context: CommandContext) async throws {
        guard fault != .permitsEverything else { return }
        try await base.permit(command, in: context)
    }

    func perform(_ command: Command, in context: CommandContext) async throws -> Data {
        var context = context
        if fault == .losesCheckpoints { context.checkpoint = nil }
        if fault == .forgetsLateness { context.isLate = false }
        do {
            return try await base.perform(command, in: context)
        } catch var failure as CommandFailure where fault == .repeatsUnknown && failure.outcomeUnknown {
            failure.outcomeUnknown = false
            failure.retryable = true
            throw failure
        }
    }

    func produces(_ command: Command, outcome: Data) -> [String] {
        fault == .forgetsProducers ? [] : base.produces(command, outcome: outcome)
    }

    func rehearse(_ command: Command, in context: CommandContext) async throws -> Data {
        try await base.rehearse(command, in: context)
    }
}

/// A program that runs while nothing else does.
private final class SeededProgram: Program {
    private let base: any Program
    private let executor: SeededExecutor

    init(_ base: any Program, _ executor: SeededExecutor) {
        self.base = base
        self.executor = executor
    }

    func advance(_ input: ProgramInput) async -> ProgramStep {
        await executor.outside { [base] in await base.advance(input) }
    }

    func advance(_ input: ProgramInput, replaying: Bool) async -> ProgramStep {
        await executor.outside { [base] in await base.advance(input, replaying: replaying) }
    }

    func rest() async -> Bool { await executor.outside { [base] in await base.rest() } }
    func wake() async -> Bool { await executor.outside { [base] in await base.wake() } }
    func cancel() async { await executor.outside { [base] in await base.cancel() } }
}
