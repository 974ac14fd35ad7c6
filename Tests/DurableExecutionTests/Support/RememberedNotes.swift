import DurableExecution
import Synchronization

/// Notes that outlive an engine, as the file does.
final class RememberedNotes: CrashNotes {
    private struct State {
        var slots: [Int: CrashNote] = [:]
        var next = 0
        var left: [CrashNote] = []
    }

    let endedByFault: Bool
    private let state = Mutex(State())

    init(endedByFault: Bool = true) { self.endedByFault = endedByFault }

    var leftBehind: [CrashNote] { state.withLock { $0.left } }
    var now: [CrashNote] { state.withLock { $0.slots.values.sorted { $0.number < $1.number } } }

    func clear() { state.withLock { $0.left = [] } }

    func enter(_ note: CrashNote) -> Int? {
        state.withLock { state in
            state.next += 1
            state.slots[state.next] = note
            return state.next
        }
    }

    func leave(_ slot: Int) { state.withLock { $0.slots[slot] = nil } }

    /// The process is killed now: what is noted stays, and nobody can take it back.
    func kill() {
        state.withLock { state in
            state.left = state.slots.values.sorted { $0.number < $1.number }
            state.slots = [:]
        }
    }
}
