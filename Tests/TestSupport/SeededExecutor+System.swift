import Foundation
import Synchronization

/// Runs the jobs of tasks on one thread, in an order that a seed decides: the same seed, the same run.
public final class SeededExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var random: SeededGenerator
        var quiet: [CheckedContinuation<Void, Never>] = []
        var isStopped = false
        /// Calls under way on threads of others.
        var outside = 0
        /// Begins those whose jobs have still to return: a call that ended before that would not give up its turn.
        var beginnings: [@Sendable () -> Void] = []
        /// Jobs since it was quiet.
        var ran = 0
        var hasSpun = false
    }

    /// Beyond this many jobs in a row, something goes round in circles.
    private static let limit = 200_000

    private let state: Mutex<State>
    private let work = DispatchSemaphore(value: 0)

    public init(seed: UInt64) {
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        Thread.detachNewThread { [self] in loop() }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        work.signal()
    }

    /// Whether something went round in circles.
    public var hasSpun: Bool { state.withLock { $0.hasSpun } }

    /// Returns once nothing else can run.
    public func quiet() async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.quiet.append(continuation) }
            work.signal()
        }
    }

    /// Makes a call that others' threads work on, while nothing else runs here: so the run stays the seed's.
    public func outside<Value: Sendable, Failure: Error>(
        _ call: @escaping @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let isStopped = state.withLock { state in
            if !state.isStopped { state.outside += 1 }
            return state.isStopped
        }
        // Then there is no order to keep any more, and nobody who would.
        guard !isStopped else { return try await call() }
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            let begin: @Sendable () -> Void = { [self] in
                Task.detached { [self] in
                    do throws(Failure) {
                        let value = try await call()
                        continuation.resume(returning: .success(value))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                    state.withLock { $0.outside -= 1 }
                    work.signal()
                }
            }
            state.withLock { $0.beginnings.append(begin) }
            work.signal()
        }
        return try result.get()
    }

    public func stop() {
        state.withLock { $0.isStopped = true }
        work.signal()
    }

    private func loop() {
        while true {
            for begin in beginnings() { begin() }
            let (job, waiter, isStopped) = next()
            if let job {
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            } else if let waiter {
                waiter.resume()
            } else if isStopped {
                return
            } else {
                work.wait()
            }
        }
    }

    private func beginnings() -> [@Sendable () -> Void] {
        state.withLock { state in
            defer { state.beginnings = [] }
            return state.beginnings
        }
    }

    private func next() -> (UnownedJob?, CheckedContinuation<Void, Never>?, Bool) {
        state.withLock { state in
            guard state.outside == 0 else { return (nil, nil, false) }
            if state.ran >= Self.limit { state.hasSpun = true }
            if !state.jobs.isEmpty, state.ran < Self.limit || state.quiet.isEmpty {
                state.ran += 1
                let index = Int.random(in: state.jobs.indices, using: &state.random)
                return (state.jobs.remove(at: index), nil, false)
            }
            state.ran = 0
            return (nil, state.quiet.popLast(), state.isStopped && state.jobs.isEmpty)
        }
    }
}
