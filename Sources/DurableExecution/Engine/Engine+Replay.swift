import Foundation

/// Running past events against today's rules.
extension Engine {
    /// The source of events that were accepted again by ``replay(_:performing:)``.
    public static let replaySource = "replay"

    /// Runs an event against today's rules.
    ///
    /// Without `performing` nothing takes place: the event runs in a throw-away engine with the same handler, where reads
    /// are performed, effects are answered by ``EventHandler/rehearse(_:in:)``, and the rules' store is a copy. Waits end
    /// it where they begin. With `performing` the event is accepted again as a new one (identity `replay:` and its
    /// sequence, source ``replaySource``), for real; it is not prepared again.
    ///
    /// - Returns: What happened in the rehearsal; with `performing`, the new event as it was accepted.
    /// - Throws: ``EngineError``: `notFound`; `conflict` if the event was forgotten, or with `performing` if it has not been
    ///   prepared, so that it has to have its first turn before.
    public nonisolated func replay(
        _ sequence: Int64, performing: Bool = false
    ) async throws(EngineError) -> EventTrace {
        guard let event = try await store.event(sequence) else {
            throw EngineError(.notFound, "there is no event \(sequence)")
        }
        guard event.state != .forgotten else { throw EngineError(.conflict, "event \(sequence) was forgotten") }
        let isPrepared = try await store.starts(of: sequence) != nil
        guard performing else { return try await rehearse(event, isPrepared: isPrepared) }
        guard isPrepared else {
            throw EngineError(.conflict, "event \(sequence) is \(event.state.rawValue) and was never matched; retry it")
        }
        var number = 1
        while try await store.event(identity: "replay:\(sequence):\(number)") != nil { number += 1 }
        let again = NewEvent(
            identities: ["replay:\(sequence):\(number)"], queue: event.queue, kind: event.kind,
            source: Self.replaySource,
            payload: event.payload, occurredAt: now().storable)
        let accepted = try await accept([again])[0].sequence
        return try await trace(ofEvent: accepted)
    }

    /// Has an event that failed, is quarantined, expired or is held run again, where it was. Its age counts from now on.
    ///
    /// - Throws: ``EngineError``: `notFound`; `conflict` if it is in another state.
    @discardableResult
    public nonisolated func retry(event sequence: Int64) async throws(EngineError) -> Event {
        guard let event = try await store.event(sequence) else {
            throw EngineError(.notFound, "there is no event \(sequence)")
        }
        let parked = try await store.starts(of: sequence)?.filter { $0.state == .parked } ?? []
        await context?.interrupted.insert(parked.map(\.id))
        try await store.write([.reopen(event: sequence, at: now().storable)], epoch: try await ownEpoch())
        guard let reopened = try await store.event(sequence) else { return event }
        await inboxReopened(reopened)
        await becameDue(at: now().storable)
        return reopened
    }

    private nonisolated func rehearse(_ event: Event, isPrepared: Bool) async throws(EngineError) -> EventTrace {
        let copy = try store.makeScratch(after: event.sequence - 1)
        let stage = Engine(rehearsing: self, on: copy, isPrepared: isPrepared)
        let again = NewEvent(
            identities: [event.identity], queue: event.queue, kind: event.kind, source: event.source,
            payload: event.payload, occurredAt: event.occurredAt, cause: event.cause)
        let trace = try await stage.runOnce(again)
        var result = trace
        result.event.acceptedAt = event.acceptedAt
        return result
    }

    /// Runs until nothing more can run.
    private nonisolated func runOnce(_ event: NewEvent) async throws(EngineError) -> EventTrace {
        let result = await withTaskGroup(of: EngineError?.self) { group in
            group.addTask {
                do { try await self.run() } catch { return error as? EngineError }
                return nil
            }
            let result: Result<EventTrace, EngineError>
            do throws(EngineError) {
                let sequence = try await accept([event])[0].sequence
                await idle()
                result = .success(try await trace(ofEvent: sequence))
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            return result
        }
        return try result.get()
    }
}
