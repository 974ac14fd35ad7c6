public import Foundation
public import Logging
import Synchronization

/// Takes events in, keeps them, runs what they start, and journals every command, so that nothing is lost or doubled.
///
/// The actor only keeps the books (``Schedule``); events and invocations run in tasks of their own.
public actor Engine {
    nonisolated let store: any DurableStore
    nonisolated let handler: any EventHandler
    nonisolated let observer: (any EngineObserver)?
    nonisolated let configuration: EngineConfiguration
    nonisolated let clock: any Clock<Duration>
    nonisolated let now: @Sendable () -> Date
    nonisolated let random: @Sendable () -> Double
    nonisolated let logger: Logger
    /// What is paused now.
    public nonisolated let pauses: Pauses
    private nonisolated let crashNotes: (any CrashNotes)?
    private nonisolated let rehearsal: Rehearsal?
    nonisolated let releases = ReleaseRegistry()
    nonisolated let signal = Signal()
    nonisolated let stopping = Flag()
    nonisolated let steadyTime: SteadyTime
    /// How long commands in the air may take once the engine stops; nil: as long as they take.
    nonisolated let grace = Mutex<Duration?>(nil)
    private nonisolated let epoch = Mutex<Epoch?>(nil)

    /// Who waits for the store to be taken over; nil unless that is under way.
    private var claimants: [CheckedContinuation<Result<Epoch, EngineError>, Never>]?
    var schedule: Schedule
    private var isRunning = false
    /// How many releases of held work are under way.
    private var releasing = 0
    /// Set while ``run()`` has recovered and runs.
    private(set) var context: EngineContext?
    /// Why nothing can go on.
    private var fatal: EngineError?
    /// The timer that is set for the earliest time, of those that are set.
    var timer: (end: Date, token: Int)?
    var lastToken = 0
    /// Whether ``run()`` was called and has ended.
    private var hasEnded = false
    /// Whether what is still in the air as the engine stops was given its time.
    var graceBegan = false
    var graceIsOver = false
    private var idlers: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - clock: For delays.
    ///   - now: The wall time, for what is kept.
    ///   - random: Numbers in 0..<1, for jitter.
    ///   - pauses: Where the engine keeps what is paused; the handler may ask the same object.
    ///   - crashNotes: Where it is noted what runs; nil: what ends the process is not found out.
    public init(
        store: any DurableStore, handler: any EventHandler, observer: (any EngineObserver)? = nil,
        configuration: EngineConfiguration = EngineConfiguration(), pauses: Pauses = Pauses(),
        crashNotes: (any CrashNotes)? = nil, clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Date = { Date() },
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        logger: Logger = Logger(label: "DurableExecution")
    ) {
        self.store = store
        self.handler = handler
        self.observer = observer
        self.configuration = configuration
        self.clock = clock
        self.now = now
        self.random = random
        self.logger = logger
        self.pauses = pauses
        self.crashNotes = crashNotes
        steadyTime = SteadyTime(wallTime: now, clock: clock)
        rehearsal = nil
        schedule = Schedule(configuration)
    }

    /// An engine in which an event of `real` is rehearsed: nothing takes place.
    init(rehearsing real: Engine, on store: any DurableStore, isPrepared: Bool) {
        self.store = store
        handler = RehearsingHandler(base: real.handler, isPrepared: isPrepared)
        observer = nil
        var configuration = real.configuration
        configuration.maxAge = .seconds(Int64(1) << 40)
        configuration.maintenanceInterval = nil
        configuration.keptPrograms = 0
        self.configuration = configuration
        clock = real.clock
        now = real.now
        random = real.random
        logger = real.logger
        pauses = Pauses()
        crashNotes = nil
        // Its own, since who looks at a clock that was set is the only one to see that.
        steadyTime = SteadyTime(wallTime: real.now, clock: real.clock)
        rehearsal = Rehearsal(real.store)
        schedule = Schedule(configuration)
    }

    // MARK: Accepting

    /// Keeps events durably; returns only once they are on disk.
    ///
    /// May be called before and while ``run()`` runs, from many tasks at once: those that wait share a commit.
    /// - Returns: What became of each, in order.
    /// - Throws: ``EngineError``; then none of them was kept.
    public nonisolated func accept(_ events: [NewEvent]) async throws(EngineError) -> [Acceptance] {
        let time = now().storable
        let acceptances = try await store.accept(events, at: time, epoch: try await ownEpoch())
        let facts = events.flatMap(\.facts)
        if !facts.isEmpty { await handler.kept(facts) }
        await inboxGrew()
        report(events, acceptances, at: time)
        return acceptances
    }

    private func inboxGrew() {
        schedule.inboxGrew()
        signal.raise()
    }

    /// The epoch of this engine, which takes the store over when it first needs it.
    nonisolated func ownEpoch() async throws(EngineError) -> Epoch {
        if let known = epoch.withLock({ $0 }) { return known }
        return try await takeOver()
    }

    private func takeOver() async throws(EngineError) -> Epoch {
        if let known = epoch.withLock({ $0 }) { return known }
        if claimants != nil {
            return try await withCheckedContinuation { claimants?.append($0) }.get()
        }
        claimants = []
        let result: Result<Epoch, EngineError>
        do throws(EngineError) { result = .success(try await store.takeOver()) } catch { result = .failure(error) }
        if case .success(let own) = result { epoch.withLock { $0 = own } }
        for claimant in claimants ?? [] { claimant.resume(returning: result) }
        claimants = nil
        return try result.get()
    }

    // MARK: Running

    /// Goes on with what a process before left, then works on events until the task is cancelled or ``shutdown()`` is called.
    ///
    /// Cancelling interrupts commands in the air; their outcome may then be unknown. ``shutdown()`` lets them end.
    ///
    /// - Throws: ``EngineError`` once the store can't be trusted any more (`storeFailed`) or has another owner
    ///   (`superseded`); `conflict` if it runs already.
    public func run() async throws {
        guard !isRunning else { throw EngineError(.conflict, "the engine runs already") }
        isRunning = true
        hasEnded = false
        defer { stopped() }
        let context = try await begin()
        do {
            try await work(context)
        } catch {
            await context.kept.close()
            throw error
        }
        await context.kept.close()
    }

    private func work(_ context: EngineContext) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            if let interval = configuration.maintenanceInterval {
                group.addTask { await self.maintain(every: interval) }
            }
            while try goesOn(context) {
                let time = lookAtClocks(context, &group)
                context.openSilent()
                for release in context.breakers.takeReleases(at: time) {
                    releasing += 1
                    group.addTask { await self.perform(release, context) }
                }
                while !isStandingStill, let work = nextWork(at: time, context) {
                    group.addTask { await self.perform(work, context) }
                }
                releaseIdlers()
                if let (delay, token) = nextTimer(from: time) {
                    group.addTask { await self.wake(after: delay, token) }
                }
                if let grace = beginsGrace() { group.addTask { await self.endGrace(after: grace) } }
                await signal.wait()
            }
            group.cancelAll()
        }
    }

    /// Hands that only hold a call in the air are lent to other work.
    private func nextWork(at time: Date, _ context: EngineContext) -> Schedule.Work? {
        if let work = schedule.next(at: time, lent: context.breakers.handsLent(wantsMore: false)) { return work }
        // A call may have begun meanwhile, of which nobody was told.
        return schedule.next(at: time, lent: context.breakers.handsLent(wantsMore: true))
    }

    /// Asks ``run()`` to start nothing more and to return once the commands in the air have ended and are journaled.
    ///
    /// - Parameter grace: After how long those that have not ended are cancelled; nil: never. Whether a ``Effect/once``
    ///   command that was cancelled took place is looked for at the next start.
    public nonisolated func shutdown(within grace: Duration? = nil) {
        self.grace.withLock { $0 = grace }
        stopping.set()
        signal.raise()
    }

    /// Returns once nothing can run now: every event had its turn, and what is left waits for a time, an event or a person.
    ///
    /// If ``run()`` has not been called yet, waits for it; returns at once if it has ended.
    public func idle() async {
        signal.raise()
        guard !isIdle, fatal == nil, !stopping.isSet, !hasEnded else { return }
        await withCheckedContinuation { idlers.append($0) }
    }

    private func begin() async throws(EngineError) -> EngineContext {
        let epoch = try await ownEpoch()
        let context = EngineContext(
            store: store, handler: handler, observer: observer, configuration: configuration, clock: clock,
            wallTime: now, steadyTime: steadyTime, random: random, logger: logger, stopping: stopping,
            epoch: epoch, startedAt: now().storable, askingOrder: AskingOrder(epoch),
            kept: KeptPrograms(limit: configuration.keptPrograms),
            breakers: Breakers(configuration.breaker, wake: { [signal] in signal.raise() }), releases: releases,
            gate: ProgramGate(
                suspects: try await suspects(), notes: crashNotes, guardsHandlers: crashNotes?.endedByFault == true),
            rehearsal: rehearsal, wake: { [signal] in signal.raise() },
            becameDue: { [weak self] in await self?.becameDue(at: $0) },
            handWaits: { [weak self] in await self?.handWaits($0) })
        try await context.recover()
        try await context.noteInterrupted()
        pauses.replace(by: try await store.pauses())
        try await context.releaseForgotten(pauses)
        try await noteLeft(context)
        var queued = InvocationFilter()
        queued.states = [.queued]
        queued.limit = 100_000
        let inLine = try await store.invocations(queued)
        schedule = Schedule(configuration)
        schedule.lead = steadyTime.lead
        for invocation in inLine { schedule.settled(invocation) }
        fatal = nil
        timer = nil
        graceBegan = false
        graceIsOver = false
        self.context = context
        return context
    }

    /// Judges what ran when the process before ended.
    ///
    /// - Returns: What runs alone this time.
    private func suspects() async throws(EngineError) -> Set<Int64> {
        guard let crashNotes else { return [] }
        let epoch = try await ownEpoch()
        let notes = crashNotes.leftBehind.filter { crashNotes.endedByFault || !$0.isOfHandler }
        if !notes.isEmpty {
            let quarantined = try await store.noteCrashes(
                notes, limit: max(crashNotes.endedByFault ? configuration.crashLimit : configuration.killLimit, 1),
                at: now().storable, epoch: epoch, pausing: { [handler] in handler.pauseSubject(of: $0) })
            for one in quarantined {
                logger.error(
                    "event quarantined", metadata: ["event": "\(one.event)", "rules": "\(one.rules)"])
                observer?.observe(.quarantined(one))
            }
        }
        crashNotes.clear()
        return Set(try await store.suspects())
    }

    private func goesOn(_ context: EngineContext) throws -> Bool {
        if let fatal {
            // Whoever waits for the end of a run that will not begin any more goes on, so that all can end.
            schedule.stop()
            context.runs.close()
            throw fatal
        }
        guard context.shouldEnd else { return true }
        schedule.stop()
        context.runs.close()
        return !Task.isCancelled && !graceIsOver && (schedule.active > 0 || releasing > 0)
    }

    private func stopped() {
        isRunning = false
        hasEnded = true
        releasing = 0
        context?.runs.close()
        context = nil
        for idler in idlers { idler.resume() }
        idlers = []
    }

    private var isIdle: Bool {
        guard let context, releasing == 0 else { return false }
        if isStandingStill { return schedule.active == 0 }
        let time = context.steadyNow
        return schedule.isIdle(at: time) && (context.breakers.nextRelease ?? .distantFuture) > time
    }

    /// Whether nothing is to be started because everything is paused.
    var isStandingStill: Bool { pauses[Pause.everything] != nil }

    private func releaseIdlers() {
        guard isIdle else { return }
        for idler in idlers { idler.resume() }
        idlers = []
    }

    // MARK: Keeping the books

    func released(_ release: Breakers.Release, _ failure: EngineError?) {
        releasing -= 1
        if let failure { note(failure) }
        if release.isProbe {
            schedule.upstreamMayAnswer(release.upstream)
        } else {
            schedule.upstreamAnswers(release.upstream, at: steadyTime.now, configuration.breaker)
        }
        becameDue(at: now().storable)
    }

    func loaded(_ load: Backlog.Load, _ result: Result<[Event], EngineError>) async {
        switch result {
        case .success(let events): schedule.loaded(events, from: load)
        case .failure(let error):
            note(error)
            schedule.failed(load)
            // Not at once again: a database that can't be read now is not helped by being asked all the time.
            try? await clock.sleep(for: .milliseconds(100))
        }
        signal.raise()
    }

    func ran(_ event: Event, _ result: Result<EventRun.Ending, EngineError>, _ context: EngineContext) {
        switch result {
        case .success(.ended), .success(.abandoned): schedule.ended(event)
        case .success(.postponed(let time, let upstream)):
            schedule.postponed(event, until: time, upstream: upstream, at: context.steadyNow)
        case .success(.blocked(let upstream)):
            schedule.blocked(event, by: upstream)
            // It may answer since the event was held up.
            if context.breakers.trouble(at: upstream) == nil {
                schedule.upstreamAnswers(upstream, at: context.steadyNow, configuration.breaker)
            }
        case .failure(let error) where error.code == .unavailable && !context.shouldEnd:
            // It is neither run nor lost: its turn comes again once it can be read.
            note(error)
            schedule.postponed(
                event, until: context.steadyNow.adding(.seconds(1)), upstream: nil, at: context.steadyNow)
        case .failure(let error):
            note(error)
            schedule.ended(event)
        }
        signal.raise()
    }

    func ran(_ result: Result<Invocation?, EngineError>) {
        switch result {
        case .success(let invocation): if let invocation { settled(invocation) }
        case .failure(let error): note(error)
        }
        schedule.endedInvocation()
        signal.raise()
    }

    func settled(_ invocation: Invocation) {
        schedule.settled(invocation)
        signal.raise()
    }

    /// Invocations were made due at `time`.
    func becameDue(at time: Date) {
        schedule.due(at: time)
        signal.raise()
    }

    /// An event that had its turn has it again.
    func inboxReopened(_ event: Event) {
        schedule.reopened(event)
        signal.raise()
    }

    /// Whether more events fit in memory.
    var hasRoom: Bool { schedule.hasRoom }

    func note(_ error: EngineError) {
        switch error.code {
        case .storeFailed, .superseded:
            logger.critical("the engine stops", metadata: ["error": "\(error)"])
            fatal = fatal ?? error
        case .unavailable:
            logger.warning("work was left for later", metadata: ["error": "\(error)"])
        case .badInput, .notFound, .conflict, .corrupted:
            // What concerns one event is recorded with it; this one could not even be recorded. The next start tries again.
            logger.error("work was left undone", metadata: ["error": "\(error)"])
        }
    }
}
