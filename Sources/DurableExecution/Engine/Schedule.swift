import Foundation

/// What is worked on and what comes next: a state machine without I/O. ``Engine`` performs the work that it names.
///
/// Times are those of ``SteadyTime``, except where invocations fall due: those are stored, and given in wall time.
struct Schedule {
    enum Work {
        case load(Backlog.Load)
        case event(Event, Backlog.Tries)
        case invocation(Invocation)
        /// Take up invocations that are due, at most `limit`.
        case takeDue(limit: Int)
    }

    private let parallelism: Int
    private var backlog: Backlog
    /// How many events and invocations are worked on.
    private(set) var active = 0
    /// How many of them wait for other runs, so that they need no hand.
    private var waiting = 0
    /// How far this one's time is ahead of the wall time.
    var lead: Duration = .zero
    private var taken = FIFO<Invocation>()
    private var isTakingDue = false
    /// When to look for invocations that are due, as far as known. At first: now.
    private var nextDue: Date? = .distantPast
    private var isStopping = false
    /// Rules of which invocations stand in line, now or earlier: the end of one may let the next begin.
    private var queuedRules: Set<String> = []

    init(_ configuration: EngineConfiguration) {
        parallelism = max(configuration.parallelism, 1)
        backlog = Backlog(
            limit: configuration.backlogLimit, queueLimit: configuration.queueLimit,
            postponedLimit: configuration.postponedLimit)
    }

    /// When something that waits for a time can go on.
    var nextWake: Date? {
        [backlog.nextRelease, isTakingDue ? nil : nextDue].compactMap(\.self).min()
    }

    /// Whether nothing runs and nothing can be started at `time`.
    func isIdle(at time: Date) -> Bool {
        active == 0 && taken.isEmpty && !isTakingDue && backlog.isIdle && (nextWake ?? .distantFuture) > time
    }

    /// Whether more events fit in memory.
    var hasRoom: Bool { backlog.hasRoom }

    /// The next thing to do at `time`; nil if there is nothing now, or all hands are busy.
    ///
    /// - Parameter lent: How many of those at work need no hand now; for as many, others may work, but never for more
    ///   than there are hands.
    mutating func next(at time: Date, lent: Int = 0) -> Work? {
        guard !isStopping else { return nil }
        backlog.release(at: time)
        if let load = backlog.nextLoad() { return .load(load) }
        // What was taken up runs, so that whoever waits for its end does not wait for hands.
        if let invocation = taken.next() {
            active += 1
            return .invocation(invocation)
        }
        let free = parallelism - (active - waiting - min(lent, parallelism))
        guard free > 0 else { return nil }
        if let nextDue, nextDue <= time, !isTakingDue {
            isTakingDue = true
            self.nextDue = nil
            return .takeDue(limit: max(free, parallelism / 4, 1))
        }
        guard let (event, tries) = backlog.next() else { return backlog.nextLoad().map(Work.load) }
        active += 1
        return .event(event, tries)
    }

    // MARK: What happened

    /// A hand begins or ceases to wait for other runs.
    mutating func handWaits(_ waits: Bool) { waiting += waits ? 1 : -1 }

    /// The wall clock was set: whatever was to fall due is looked for now.
    mutating func clockWasSet(lead: Duration) {
        self.lead = lead
        nextDue = .distantPast
    }

    mutating func inboxGrew() { backlog.grew() }

    mutating func loaded(_ events: [Event], from load: Backlog.Load) { backlog.loaded(events, from: load) }

    mutating func failed(_ load: Backlog.Load) { backlog.failed(load) }

    /// Due invocations were taken up; `next` is when the next one falls due.
    mutating func took(_ invocations: [Invocation], next: Date?) {
        isTakingDue = false
        for invocation in invocations { taken.append(invocation) }
        due(at: next)
    }

    /// An invocation falls due at `time`, in wall time.
    mutating func due(at time: Date?) {
        guard let time = time?.adding(lead) else { return }
        nextDue = min(nextDue ?? time, time)
    }

    /// An invocation settled.
    mutating func settled(_ invocation: Invocation) {
        due(at: invocation.nextAttemptAt)
        if invocation.state == .queued { queuedRules.insert(invocation.rule) }
        if invocation.state.isEnded || invocation.state == .queued, queuedRules.contains(invocation.rule) {
            due(at: invocation.updatedAt)
        }
    }

    mutating func ended(_ event: Event) {
        active -= 1
        backlog.ended(event.queue)
    }

    mutating func postponed(_ event: Event, until time: Date, upstream: String?, at now: Date) {
        active -= 1
        backlog.postponed(event.queue, until: time, upstream: upstream, at: now)
    }

    mutating func blocked(_ event: Event, by upstream: String) {
        active -= 1
        backlog.blocked(event.queue, by: upstream)
    }

    mutating func upstreamMayAnswer(_ upstream: String) { backlog.upstreamMayAnswer(upstream) }

    mutating func upstreamAnswers(_ upstream: String, at now: Date, _ policy: BreakerPolicy) {
        backlog.upstreamAnswers(upstream, at: now, burst: policy.burst, interval: policy.burstInterval)
    }

    mutating func reopened(_ event: Event) { backlog.reopened(event) }

    mutating func endedInvocation() { active -= 1 }

    /// Starts nothing more.
    mutating func stop() { isStopping = true }
}
