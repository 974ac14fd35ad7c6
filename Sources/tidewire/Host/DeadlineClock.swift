import Synchronization

/// A clock for deadlines, nearly all of which are cancelled long before their time.
///
/// A cancelled `Task.sleep` stays with the runtime until its time comes: some 700 bytes for a minute, for each call. Here
/// one task sleeps for all, and what is cancelled is gone. Sleeps end up to ``tick`` late.
final class DeadlineClock<Base: Clock>: Clock where Base.Duration == Duration {
    typealias Instant = Base.Instant
    private typealias Sleeper = CheckedContinuation<Void, any Error>

    private struct State {
        var lastID = 0
        /// By the tick in which they end, and by id; nil for one that was cancelled before it slept.
        var sleepers: [Int64: [Int: Sleeper]] = [:]
        var cancelled: Set<Int> = []
        /// The tick until which the task sleeps.
        var wakeTick: Int64?
    }

    static var tick: Duration { .milliseconds(100) }

    private let base: Base
    private let start: Instant
    private let state = Mutex(State())

    init(_ base: Base) {
        self.base = base
        start = base.now
    }

    var now: Instant { base.now }
    var minimumResolution: Duration { Self.tick }

    /// How many sleep.
    var count: Int { state.withLock { $0.sleepers.values.reduce(0) { $0 + $1.count } } }

    func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try Task.checkCancellation()
        // The first tick that is not before the deadline.
        let end = Int64((start.duration(to: deadline) / Self.tick).rounded(.up))
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enroll($0, id, until: end) }
        } onCancel: {
            cancel(id, at: end)
        }
    }

    private func enroll(_ sleeper: Sleeper, _ id: Int, until end: Int64) {
        let (isCancelled, wakes) = state.withLock { state in
            if state.cancelled.remove(id) != nil { return (true, false) }
            state.sleepers[end, default: [:]][id] = sleeper
            guard state.wakeTick.map({ end < $0 }) ?? true else { return (false, false) }
            state.wakeTick = end
            return (false, true)
        }
        if isCancelled { sleeper.resume(throwing: CancellationError()) }
        if wakes { wake(at: end) }
    }

    private func cancel(_ id: Int, at end: Int64) {
        let sleeper = state.withLock { state in
            guard let sleeper = state.sleepers[end]?.removeValue(forKey: id) else {
                state.cancelled.insert(id)
                return Sleeper?.none
            }
            if state.sleepers[end]?.isEmpty == true { state.sleepers[end] = nil }
            return sleeper
        }
        sleeper?.resume(throwing: CancellationError())
    }

    private func wake(at end: Int64) {
        Task {
            try? await base.sleep(until: start.advanced(by: Self.tick * Int(end)), tolerance: nil)
            endSleeps(at: end)
        }
    }

    /// Ends the sleeps of this tick and of those before, and sees to the next.
    private func endSleeps(at end: Int64) {
        let (due, next) = state.withLock { state in
            var due: [Sleeper] = []
            for tick in state.sleepers.keys where tick <= end {
                due += state.sleepers.removeValue(forKey: tick)?.values.map(\.self) ?? []
            }
            // An earlier sleep came meanwhile, and has a task of its own.
            guard state.wakeTick == end else { return (due, Int64?.none) }
            state.wakeTick = state.sleepers.keys.min()
            return (due, state.wakeTick)
        }
        for sleeper in due { sleeper.resume() }
        if let next { wake(at: next) }
    }
}
