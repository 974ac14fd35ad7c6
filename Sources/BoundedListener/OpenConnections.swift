import NIOCore
import Synchronization

/// The connections of one listener, and which of them wait for a request, the longest waiting first.
final class OpenConnections: Sendable {
    typealias ID = UInt64

    fileprivate struct Waiting {
        var channel: any Channel
        var since: UInt64
    }

    fileprivate struct State {
        var open = 0
        var lastID: ID = 0
        var lastTurn: UInt64 = 0
        var waiting: [ID: Waiting] = [:]
        /// Who began to wait, in order. An entry counts only while `waiting` has it with the same turn.
        var order: [(id: ID, turn: UInt64)] = []
        var first = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(limit, 1) }

    var count: Int { state.withLock { $0.open } }

    /// How many entries the order of waiting holds, those that no longer count included.
    var remembered: Int { state.withLock { $0.order.count } }

    /// A connection was accepted and waits for its first request. Where it is one too many, the one that has waited
    /// longest is closed, which may be this one.
    func opened(_ channel: any Channel) -> ID {
        let (id, evicted) = state.withLock { state in
            state.open += 1
            state.lastID += 1
            let id = state.lastID
            state.wait(id, channel)
            return (id, state.open > limit ? state.evict() : nil)
        }
        evicted?.close(promise: nil)
        return id
    }

    func waits(_ id: ID, _ channel: any Channel) { state.withLock { $0.wait(id, channel) } }

    func works(_ id: ID) { state.withLock { _ = $0.waiting.removeValue(forKey: id) } }

    func closed(_ id: ID) {
        state.withLock { state in
            state.open -= 1
            state.waiting[id] = nil
        }
    }
}

extension OpenConnections.State {
    fileprivate mutating func wait(_ id: OpenConnections.ID, _ channel: any Channel) {
        lastTurn += 1
        waiting[id] = .init(channel: channel, since: lastTurn)
        order.append((id, lastTurn))
        // Entries that no longer count are dropped once they are the most.
        guard order.count > 2 * waiting.count + 64 else { return }
        order = order[first...].filter { waiting[$0.id]?.since == $0.turn }
        first = 0
    }

    /// Takes out who has waited longest; nil if all are at work.
    fileprivate mutating func evict() -> (any Channel)? {
        while first < order.count {
            let (id, turn) = order[first]
            first += 1
            guard let entry = waiting[id], entry.since == turn else { continue }
            waiting[id] = nil
            return entry.channel
        }
        return nil
    }
}
