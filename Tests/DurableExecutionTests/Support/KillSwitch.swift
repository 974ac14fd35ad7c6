import Synchronization

/// A point at which everything stands still for ever, as if the process had been killed there.
final class KillSwitch: Sendable {
    private struct State {
        var countdown: Int
        var deadlyPoint: String?
        var stuck: [CheckedContinuation<Void, any Error>] = []
        var isOver = false
        var watcher: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    /// - Parameter countdown: How many points are passed before the one that kills.
    init(after countdown: Int) { state = Mutex(State(countdown: countdown)) }

    /// The next point that is passed kills.
    func trip() { state.withLock { $0.countdown = 0 } }

    /// Passes, or never returns.
    func pass(_ point: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            enum Next { case pass, die, stuck(CheckedContinuation<Void, Never>?) }
            let next: Next = state.withLock { state in
                if state.isOver { return .die }
                state.countdown -= 1
                guard state.countdown < 0 else { return .pass }
                state.deadlyPoint = state.deadlyPoint ?? point
                state.stuck.append(continuation)
                defer { state.watcher = nil }
                return .stuck(state.watcher)
            }
            switch next {
            case .pass: continuation.resume()
            case .die: continuation.resume(throwing: CancellationError())
            case .stuck(let watcher): watcher?.resume()
            }
        }
    }

    /// The point that killed, or nil.
    var deadlyPoint: String? { state.withLock { $0.deadlyPoint } }

    /// Returns once something is stuck, or all is over.
    func killed() async {
        await withCheckedContinuation { continuation in
            let isDead = state.withLock { state in
                let isDead = !state.stuck.isEmpty || state.isOver
                if !isDead { state.watcher = continuation }
                return isDead
            }
            if isDead { continuation.resume() }
        }
    }

    /// Lets whoever is stuck fail, so that their tasks end.
    func bury() {
        let (stuck, watcher) = state.withLock { state in
            state.isOver = true
            defer {
                state.stuck = []
                state.watcher = nil
            }
            return (state.stuck, state.watcher)
        }
        for continuation in stuck { continuation.resume(throwing: CancellationError()) }
        watcher?.resume()
    }
}
