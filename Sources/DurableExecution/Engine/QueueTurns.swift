import Synchronization

/// Which events of a queue have their turn, told to waits that are about to be registered.
///
/// An event that is matched while a wait looks at those before it would be seen by neither. So a match is written, and a
/// wait registered, while nobody else does either in that queue; and what was matched since a wait began to look is
/// remembered for it.
final class QueueTurns: Sendable {
    fileprivate typealias Waiter = CheckedContinuation<Void, Never>

    /// Sequences of events that had their turn since it was made.
    final class Watch: Sendable {
        fileprivate let sequences = Mutex<[Int64]>([])

        /// Those that were not taken before, in the order of their turns.
        func take() -> [Int64] {
            sequences.withLock { sequences in
                defer { sequences = [] }
                return sequences
            }
        }
    }

    fileprivate struct Queue {
        var isTaken = false
        var waiters = FIFO<Waiter>()
        var watches: [Watch] = []
    }

    /// By queue that somebody writes to or watches.
    private let queues = Mutex<[String: Queue]>([:])

    /// Runs `body` while nobody else does for that queue; those who wait for that come in order.
    func alone<Value: Sendable>(
        in queue: String, _ body: () async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        await enter(queue)
        defer { leave(queue) }
        return try await body()
    }

    /// An event was matched; to be called inside of ``alone(in:_:)``.
    func passed(_ sequence: Int64, of queue: String) {
        for watch in queues.withLock({ $0[queue]?.watches ?? [] }) {
            watch.sequences.withLock { $0.append(sequence) }
        }
    }

    /// How many wait for their turn at a queue.
    func waiting(at queue: String) -> Int { queues.withLock { $0[queue]?.waiters.count ?? 0 } }

    func watch(_ queue: String) -> Watch {
        let watch = Watch()
        queues.withLock { $0[queue, default: Queue()].watches.append(watch) }
        return watch
    }

    func end(_ watch: Watch, of queue: String) {
        queues.withLock { queues in
            queues[queue]?.watches.removeAll { $0 === watch }
            queues.forget(queue)
        }
    }

    /// Returns once nobody else is at the queue; ``leave(_:)`` lets the next one in.
    func enter(_ queue: String) async {
        await withCheckedContinuation { (waiter: Waiter) in
            let isFree = queues.withLock { queues in
                guard queues[queue]?.isTaken == true else {
                    queues[queue, default: Queue()].isTaken = true
                    return true
                }
                queues[queue]?.waiters.append(waiter)
                return false
            }
            if isFree { waiter.resume() }
        }
    }

    func leave(_ queue: String) {
        let next = queues.withLock { queues in
            let next = queues[queue]?.waiters.next()
            if next == nil { queues[queue]?.isTaken = false }
            queues.forget(queue)
            return next
        }
        next?.resume()
    }
}

extension [String: QueueTurns.Queue] {
    /// Keeps nothing of a queue that nobody is at.
    fileprivate mutating func forget(_ queue: String) {
        guard let one = self[queue], !one.isTaken, one.watches.isEmpty else { return }
        self[queue] = nil
    }
}
