import Synchronization

/// Where calls hang until it is opened, and others wait until so many hang there or came by.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var came = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// How many came.
    var came: Int { state.withLock { $0.came } }
    /// How many hang.
    var hanging: Int { state.withLock { $0.waiting.count } }

    /// Hangs until the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let (isOpen, satisfied) = state.withLock { state in
                state.came += 1
                if !state.isOpen { state.waiting.append(continuation) }
                let satisfied = state.watchers.filter { $0.count <= state.came }
                state.watchers.removeAll { $0.count <= state.came }
                return (state.isOpen, satisfied)
            }
            if isOpen { continuation.resume() }
            for watcher in satisfied { watcher.continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns once at least `count` came.
    func came(atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.came >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
