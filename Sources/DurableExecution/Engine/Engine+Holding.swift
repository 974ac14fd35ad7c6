public import Foundation
import Logging

/// Pausing things, and letting go of what was held.
extension Engine {
    /// How many invocations one commit lets go at most.
    private static let releaseLimit = 500

    /// Lets go on what is held by `key`.
    ///
    /// - Returns: How many invocations that were.
    @discardableResult
    public nonisolated func release(_ key: String) async throws(EngineError) -> Int {
        releases.released(key)
        var total = 0
        while true {
            let count = try await store.release(
                key, at: now().storable, limit: Self.releaseLimit, epoch: try await ownEpoch())
            guard count > 0 else { return total }
            total += count
            await becameDue(at: now().storable)
        }
    }

    /// Pauses a subject until ``resume(_:)``; it stays paused over restarts. Pausing again replaces the reason.
    @discardableResult
    public nonisolated func pause(_ subject: String, reason: String) async throws(EngineError) -> Pause {
        let pause = Pause(subject: subject, reason: reason, at: now().storable)
        let epoch = try await ownEpoch()
        try await store.write([.pause(pause)], epoch: epoch)
        pauses.set(pause)
        observer?.observe(.paused(pause))
        return pause
    }

    /// Ends a pause, and lets go on what is held by a key of the same name.
    ///
    /// - Returns: How many invocations go on.
    /// - Throws: ``EngineError``, `notFound` if the subject is not paused. After any other, calling again goes on.
    @discardableResult
    public nonisolated func resume(_ subject: String) async throws(EngineError) -> Int {
        let epoch = try await ownEpoch()
        guard let pause = try await store.pauses().first(where: { $0.subject == subject }) else {
            // The pause may have ended, and letting go failed.
            let count = try await release(subject)
            guard count > 0 else { throw EngineError(.notFound, "\(subject) is not paused") }
            return count
        }
        try await store.write([.resume(subject: subject)], epoch: epoch)
        pauses.remove(subject)
        observer?.observe(.resumed(pause))
        signal.raise()
        return try await release(subject)
    }

    /// Has the events run again that are held for `key`, in the order in which they came; those after them wait for them.
    ///
    /// To be called whenever what the key stands for is there. Waits for room in memory, and as long as the store is
    /// unavailable.
    public nonisolated func release(eventsFor key: String) async throws(EngineError) {
        releases.released(Awaited.releaseKey(key))
        let epoch = try await ownEpoch()
        while !Task.isCancelled, !stopping.isSet {
            var taken: [Event] = []
            do throws(EngineError) {
                if await hasRoom { taken = try await store.takeUpHeld(key, event: nil, limit: 200, epoch: epoch) }
                if taken.isEmpty, await hasRoom { return }
            } catch {
                guard error.code == .unavailable else { throw error }
            }
            for event in taken { await inboxReopened(event) }
            if taken.isEmpty { try? await clock.sleep(for: .milliseconds(200)) }
        }
    }

    /// The circuit breakers of upstreams that don't answer, or did not just now; by name.
    ///
    /// Empty while ``run()`` is not at work.
    public var breakers: [Breaker] { context?.breakers.all ?? [] }

    /// Keeps facts that no event brought. Returns once they are on disk and the handler was told of them.
    public nonisolated func keep(_ facts: [Fact]) async throws(EngineError) {
        try await store.write(facts.map(Change.fact), epoch: try await ownEpoch())
        await handler.kept(facts)
    }

    /// Sets a value of the rules' own store from outside of a rule; nil removes it. Returns once it is on disk.
    ///
    /// - Parameter value: Canonical JSON.
    public nonisolated func setStoredValue(
        scope: String, key: String, to value: Data?, ttl: Duration? = nil
    ) async throws(EngineError) {
        try await store.write(
            [.store(.set(scope: scope, key: key, value: value, ttl: ttl), at: now().storable)],
            epoch: try await ownEpoch())
    }
}

extension EngineContext {
    /// Lets go those who wait for an upstream: one as a probe, or all in bursts, which would else fall upon it at once.
    func release(_ release: Breakers.Release) async throws(EngineError) {
        let key = Breaker.holdKey(release.upstream)
        let policy = configuration.breaker
        if !release.isProbe { releases.released(key) }
        var time = now
        while !shouldEnd {
            let limit = release.isProbe ? 1 : max(policy.burst, 1)
            let count = try await insisting { () async throws(EngineError) in
                try await store.release(key, at: time, limit: limit, epoch: epoch)
            }
            guard count == limit, !release.isProbe else { return }
            time = time.adding(policy.burstInterval).storable
        }
    }

    /// After a start: lets go, in bursts, what waits for a release that was under way when the process ended.
    func releaseForgotten(_ pauses: Pauses) async throws(EngineError) {
        let keys = try await insisting { () async throws(EngineError) in try await store.endlessHolds() }
        let otherKind = Invocation.holdOfOtherKind(isDry: !configuration.isDryRun).key
        for key in keys where pauses[key] == nil && key != otherKind {
            var time = now
            while try await store.release(key, at: time, limit: max(configuration.breaker.burst, 1), epoch: epoch) > 0 {
                time = time.adding(configuration.breaker.burstInterval).storable
            }
        }
    }

    /// Tells the breaker of a call's upstream how the call ended.
    func ended(_ call: Breakers.Call, _ answer: Breaker.Answer) {
        report(breakers.ended(call, answer, at: steadyNow, random: random()))
    }

    /// Tells the breaker of an upstream that nobody answered there, to a call that it was not asked about.
    func silent(_ upstream: String, _ reason: String) {
        report(breakers.silent(upstream, reason, at: steadyNow, random: random()))
    }

    /// Opens the breakers of upstreams that say nothing while calls wait for calls.
    func openSilent() {
        for change in breakers.openSilent(at: steadyNow, random: random()) { report(change) }
    }

    private func report(_ change: Breakers.Change?) {
        guard let (breaker, transition) = change else { return }
        let fields: Logger.Metadata = ["upstream": "\(breaker.upstream)", "reason": "\(breaker.reason ?? "")"]
        switch transition {
        case .opened:
            logger.warning("an upstream does not answer; its work waits", metadata: fields)
            observe(.breakerOpened(breaker))
        case .closed:
            logger.notice("an upstream answers again", metadata: fields)
            observe(.breakerClosed(breaker))
        }
        wake()
    }
}
