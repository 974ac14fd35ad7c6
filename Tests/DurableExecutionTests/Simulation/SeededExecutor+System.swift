import Foundation
import Synchronization

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

/// SplitMix64: the same numbers for the same seed. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
