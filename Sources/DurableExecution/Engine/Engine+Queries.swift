public import Foundation

/// What pages and commands ask for. Answered by readers beside the writer, also while nothing runs.
extension Engine {
    /// Whether what it begins are dry runs; see ``EngineConfiguration/isDryRun``.
    public nonisolated var isDryRun: Bool { configuration.isDryRun }

    public nonisolated func event(_ sequence: Int64) async throws(EngineError) -> Event? {
        try await store.event(sequence)
    }

    /// The event that has that identity.
    public nonisolated func event(identity: String) async throws(EngineError) -> Event? {
        guard let sequence = try await store.event(identity: identity) else { return nil }
        return try await store.event(sequence)
    }

    public nonisolated func events(_ filter: EventFilter = EventFilter()) async throws(EngineError) -> [Event] {
        try await store.events(filter)
    }

    public nonisolated func invocation(_ id: String) async throws(EngineError) -> Invocation? {
        try await store.invocation(id)
    }

    public nonisolated func invocations(
        _ filter: InvocationFilter = InvocationFilter()
    ) async throws(EngineError) -> [Invocation] {
        try await store.invocations(filter)
    }

    /// - Throws: ``EngineError``, `notFound` if there is no such event.
    public nonisolated func trace(ofEvent sequence: Int64) async throws(EngineError) -> EventTrace {
        guard let event = try await store.event(sequence) else {
            throw EngineError(.notFound, "there is no event \(sequence)")
        }
        var trace = EventTrace(event: event, refusals: try await store.refusals(of: sequence), invocations: [])
        for invocation in try await store.starts(of: sequence) ?? [] {
            trace.invocations.append(try await self.trace(of: invocation))
        }
        return trace
    }

    /// - Throws: ``EngineError``, `notFound` if there is no such invocation.
    public nonisolated func trace(ofInvocation id: String) async throws(EngineError) -> InvocationTrace {
        guard let invocation = try await store.invocation(id) else {
            throw EngineError(.notFound, "there is no invocation \(id)")
        }
        return try await trace(of: invocation)
    }

    /// An event with what it started, without what that did.
    ///
    /// - Throws: ``EngineError``, `notFound` if there is no such event.
    public nonisolated func outline(ofEvent sequence: Int64) async throws(EngineError) -> EventTrace {
        guard let event = try await store.event(sequence) else {
            throw EngineError(.notFound, "there is no event \(sequence)")
        }
        let starts = try await store.starts(of: sequence) ?? []
        return EventTrace(
            event: event, refusals: try await store.refusals(of: sequence),
            invocations: starts.map { InvocationTrace(invocation: $0, entries: [], logs: []) })
    }

    /// The journal of an invocation from `position` on: about `byteLimit` bytes of it, and one entry at least, if there is
    /// one.
    public nonisolated func journal(
        of invocation: String, from position: Int, byteLimit: Int = 1 << 20
    ) async throws(EngineError) -> [JournalEntry] {
        try await store.journal(of: invocation, from: position, byteLimit: byteLimit)
    }

    /// What an invocation logged.
    public nonisolated func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        try await store.logs(of: invocation)
    }

    private nonisolated func trace(of invocation: Invocation) async throws(EngineError) -> InvocationTrace {
        InvocationTrace(
            invocation: invocation, entries: try await store.journal(of: invocation.id),
            logs: try await store.logs(of: invocation.id))
    }

    /// What an invocation did, in order; empty if there is none, or it did nothing.
    public nonisolated func journal(ofInvocation id: String) async throws(EngineError) -> [JournalEntry] {
        try await store.journal(of: id)
    }

    /// The invocation whose effect leads, or led, to the event with that identity, if that is known.
    public nonisolated func producer(of identity: String) async throws(EngineError) -> String? {
        try await store.producer(of: identity)
    }

    /// A durable bookmark, e.g. how far a poll came; nil if it was never set.
    public nonisolated func cursor(_ name: String) async throws(EngineError) -> String? {
        try await store.cursor(name)
    }

    /// Sets a durable bookmark; nil removes it. Returns once it is on disk.
    public nonisolated func setCursor(_ name: String, to value: String?) async throws(EngineError) {
        try await store.setCursor(name, to: value, epoch: try await ownEpoch())
    }

    /// The facts of a scope, in the order of their keys.
    public nonisolated func facts(scope: String) async throws(EngineError) -> [Fact] {
        try await store.facts(scope: scope)
    }

    /// What the rules' own store holds now under `key`, JSON; nil if nothing.
    public nonisolated func storedValue(
        scope: String, key: String
    ) async throws(EngineError) -> Data? {
        try await store.value(scope: scope, key: key, at: now())
    }
}
