import Foundation
import Synchronization

/// Makes the store of a throw-away engine look like the real one, value by value as they are asked for.
final class Rehearsal: Sendable {
    private let real: any DurableStore
    private let seen = Mutex<Set<[String]>>([])

    init(_ real: any DurableStore) { self.real = real }

    /// What has to be written before `operation` works on what the real store holds.
    func copy(for operation: StoreOperation, at time: Date) async throws(EngineError) -> [Change] {
        let (scope, key) = operation.place
        guard seen.withLock({ $0.insert([scope, key]).inserted }),
            let value = try await real.value(scope: scope, key: key, at: time)
        else { return [] }
        return [.store(.set(scope: scope, key: key, value: value), at: time)]
    }
}

/// The same handler, but nothing takes place.
struct RehearsingHandler: EventHandler {
    let base: any EventHandler
    /// Whether the event was prepared when it was real.
    let isPrepared: Bool

    func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation {
        isPrepared ? .ready(payload: event.payload) : try await base.prepare(event, claims: claims)
    }

    func upstream(preparing event: Event) -> String? { isPrepared ? nil : base.upstream(preparing: event) }

    func match(_ event: Event) async throws -> Matching { try await base.match(event) }

    func program(for invocation: Invocation, event: Event) async throws -> any Program {
        try await base.rehearsalProgram(for: invocation, event: event)
    }

    func offer(_ event: Event, to waiting: Waiting) async throws -> Data? {
        try await base.offer(event, to: waiting)
    }

    func permit(_ command: Command, in context: CommandContext) async throws {
        try await base.permit(command, in: context.rehearsed)
    }

    func perform(_ command: Command, in context: CommandContext) async throws -> Data {
        if command.effect == .read { return try await base.perform(command, in: context.rehearsed) }
        return try await base.rehearse(command, in: context.rehearsed)
    }
}

extension CommandContext {
    fileprivate var rehearsed: CommandContext {
        var context = self
        context.isRehearsal = true
        return context
    }
}

extension StoreOperation {
    /// The value it concerns.
    var place: (scope: String, key: String) {
        switch self {
        case .get(let scope, let key), .set(let scope, let key, _, _), .increment(let scope, let key, _),
            .compareAndSet(let scope, let key, _, _):
            (scope, key)
        }
    }
}
