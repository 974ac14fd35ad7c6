import Synchronization

/// Where all program code and what handlers do for it passes: notes what runs, and lets what may have ended a process before run alone.
final class ProgramGate: Sendable {
    fileprivate typealias Waiter = CheckedContinuation<Void, Never>

    fileprivate struct State {
        /// Events that ran when a process ended.
        var suspects: Set<Int64>
        var running = 0
        var isAlone = false
        var waiters: [(isAlone: Bool, continuation: Waiter)] = []
    }

    private let notes: (any CrashNotes)?
    private let state: Mutex<State>
    /// Whether there were suspects at the start; else nothing ever waits, and nothing is counted.
    private let isGuarded: Bool

    /// Whether handlers' work counts too, beside programs'. It may take as long as a network does, so suspects wait for it
    /// only after a fault of this code, which may have been in it.
    private let guardsHandlers: Bool

    init(suspects: Set<Int64>, notes: (any CrashNotes)?, guardsHandlers: Bool) {
        self.notes = notes
        self.guardsHandlers = guardsHandlers
        state = Mutex(State(suspects: suspects))
        isGuarded = !suspects.isEmpty
    }

    func isSuspect(_ event: Int64) -> Bool { isGuarded && state.withLock { $0.suspects.contains(event) } }

    /// The event ran and the process still lives.
    func clear(_ event: Int64) { state.withLock { _ = $0.suspects.remove(event) } }

    /// Runs a step of a program, a match, an offer.
    func run<Value>(_ note: CrashNote, _ body: () async throws -> Value) async rethrows -> Value {
        try await run(note, isGuarded: isGuarded, body)
    }

    /// Runs what a handler does around programs: preparing events, judging commands, performing them.
    func runHandler<Value>(_ note: CrashNote, _ body: () async throws -> Value) async rethrows -> Value {
        try await run(note.ofHandler, isGuarded: isGuarded && guardsHandlers, body)
    }

    private func run<Value>(
        _ note: CrashNote, isGuarded: Bool, _ body: () async throws -> Value
    ) async rethrows -> Value {
        let isAlone = isGuarded && isSuspect(note.event)
        if isGuarded { await enter(alone: isAlone) }
        let slot = notes?.enter(note)
        defer {
            if let slot { notes?.leave(slot) }
            if isGuarded { leave(alone: isAlone) }
        }
        return try await body()
    }

    private func enter(alone: Bool) async {
        await withCheckedContinuation { (continuation: Waiter) in
            let mayEnter = state.withLock { state in
                let mayEnter = state.waiters.isEmpty && state.admits(alone)
                if mayEnter { state.take(alone) } else { state.waiters.append((alone, continuation)) }
                return mayEnter
            }
            if mayEnter { continuation.resume() }
        }
    }

    private func leave(alone: Bool) {
        let next = state.withLock { state in
            if alone { state.isAlone = false } else { state.running -= 1 }
            var next: [Waiter] = []
            while let first = state.waiters.first, state.admits(first.isAlone) {
                state.take(first.isAlone)
                next.append(first.continuation)
                state.waiters.removeFirst()
            }
            return next
        }
        for waiter in next { waiter.resume() }
    }
}

extension ProgramGate.State {
    fileprivate func admits(_ alone: Bool) -> Bool { !isAlone && (!alone || running == 0) }

    fileprivate mutating func take(_ alone: Bool) {
        if alone { isAlone = true } else { running += 1 }
    }
}
