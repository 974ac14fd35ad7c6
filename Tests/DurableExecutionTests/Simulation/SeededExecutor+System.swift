import Foundation
import Synchronization
import TestSupport

/// Runs the jobs of tasks on one thread, in an order that a seed decides: the same seed, the same run.
final class SeededExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var random: SeededGenerator
        var quiet: [CheckedContinuation<Void, Never>] = []
        var isStopped = false
    }

    private let state: Mutex<State>
    private let work = DispatchSemaphore(value: 0)

    init(seed: UInt64) {
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        Thread.detachNewThread { [self] in loop() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        work.signal()
    }

    /// Returns once nothing else can run.
    func quiet() async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.quiet.append(continuation) }
            work.signal()
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        work.signal()
    }

    private func loop() {
        while true {
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

    private func next() -> (UnownedJob?, CheckedContinuation<Void, Never>?, Bool) {
        state.withLock { state in
            if !state.jobs.isEmpty {
                let index = Int.random(in: state.jobs.indices, using: &state.random)
                return (state.jobs.remove(at: index), nil, false)
            }
            return (nil, state.quiet.popLast(), state.isStopped)
        }
    }
}
