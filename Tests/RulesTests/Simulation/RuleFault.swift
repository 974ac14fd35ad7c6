import DurableExecution
import Foundation

@testable import Rules

/// A promise that the host is made to break, which the simulation has to notice.
enum RuleFault: CaseIterable, Sendable {
    /// Effects aren't judged, so opt-outs and fuses hold nobody back.
    case permitsEverything
    /// What an increment noted before it wrote is lost.
    case losesCheckpoints
    /// A command whose outcome is unknown is taken for one that did not take place.
    case repeatsUnknown
    /// A message that looks like it is taken for a command's, whoever's it is.
    case findsAnything

    /// Those that what usually befalls a simulation brings to light.
    static var usual: [RuleFault] {
        allCases.filter { $0 != .losesCheckpoints || RuleAdversity.usual.contains(.metadata) }
    }
}

/// The host, but for one promise.
struct FaultyHandler: EventHandler {
    let base: RuleHost
    let fault: RuleFault

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

    func match(_ event: Event) async throws -> Matching { try await base.match(event) }

    func program(for invocation: Invocation, event: Event) async throws -> any Program {
        try await base.program(for: invocation, event: event)
    }

    func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        try await base.offer(event, to: waiting)
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
        do {
            return try await base.perform(command, in: context)
        } catch var failure as CommandFailure where fault == .repeatsUnknown && failure.outcomeUnknown {
            failure.outcomeUnknown = false
            failure.retryable = true
            throw failure
        }
    }

    func produces(_ command: Command, outcome: Data) -> [String] { base.produces(command, outcome: outcome) }

    func rehearse(_ command: Command, in context: CommandContext) async throws -> Data {
        try await base.rehearse(command, in: context)
    }
}
