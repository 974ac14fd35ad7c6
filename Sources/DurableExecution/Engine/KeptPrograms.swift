import Synchronization

/// Programs of invocations that wait, kept where they stand so that they needn't be rebuilt from their journals.
///
/// Only a shortcut: what is kept is resumed if the journal, version and attempt say that nobody took the invocation up
/// in the meantime, and an invocation whose program is not here is rebuilt.
final class KeptPrograms: Sendable {
    struct Kept: Sendable {
        var program: any Program
        /// The invocation as it was left waiting.
        var invocation: Invocation
        /// The wait that the program stands at, and its place in the journal.
        var command: Command
        var position: Int
        /// What the invocation used up before.
        var usage: RunUsage

        /// Whether the program stands where the invocation, taken up again, has to go on.
        ///
        /// - Parameter recorded: The journal from ``position`` on.
        func stands(at invocation: Invocation, _ recorded: [JournalEntry]) -> Bool {
            guard invocation.version == self.invocation.version, invocation.attempt == self.invocation.attempt + 1,
                recorded.count == 1, let wait = recorded.first
            else { return false }
            return wait.position == position && wait.name == command.name && wait.input == command.input
        }
    }

    fileprivate struct Ticket {
        var id: String
        var number: Int64
    }

    fileprivate struct State {
        var kept: [String: (kept: Kept, number: Int64)] = [:]
        /// In the order in which they were kept; of those that were taken, too.
        var tickets = FIFO<Ticket>()
        var lastNumber: Int64 = 0
        var isClosed = false
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: How many are kept; then the one that was left first gives way.
    init(limit: Int) { self.limit = limit }

    var count: Int { state.withLock { $0.kept.count } }

    /// Keeps a program that can be kept, and gives up the others that have to go for it.
    func keep(_ kept: Kept) async {
        guard limit > 0, await kept.program.rest() else { return await kept.program.cancel() }
        let surplus = state.withLock { $0.add(kept, limit: limit) }
        for one in surplus { await one.program.cancel() }
    }

    /// Hands the program of an invocation over, if there is one; the caller resumes or cancels it.
    func take(_ id: String) -> Kept? {
        state.withLock { $0.kept.removeValue(forKey: id)?.kept }
    }

    /// Gives up the program of an invocation that is not to go on from where it stands.
    func discard(_ id: String) async { await take(id)?.program.cancel() }

    /// Gives up all programs of some queues.
    func discard(queues: [String]) async {
        let queues = Set(queues)
        let found = state.withLock { state in
            state.kept.values.map(\.kept).filter { queues.contains($0.invocation.queue) }
        }
        for kept in found { await discard(kept.invocation.id) }
    }

    /// Gives up all, and keeps none any more.
    func close() async {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.kept = [:] }
            return state.kept.values.map(\.kept)
        }
        for kept in all { await kept.program.cancel() }
    }
}

extension KeptPrograms.State {
    /// - Returns: What has to go: what stood in its place, or was left first.
    fileprivate mutating func add(_ new: KeptPrograms.Kept, limit: Int) -> [KeptPrograms.Kept] {
        guard !isClosed else { return [new] }
        var surplus: [KeptPrograms.Kept] = []
        lastNumber += 1
        if let former = kept.updateValue((new, lastNumber), forKey: new.invocation.id) { surplus.append(former.kept) }
        tickets.append(KeptPrograms.Ticket(id: new.invocation.id, number: lastNumber))
        while kept.count > limit, let ticket = tickets.next() {
            if kept[ticket.id]?.number == ticket.number, let oldest = kept.removeValue(forKey: ticket.id) {
                surplus.append(oldest.kept)
            }
        }
        if tickets.count > 2 * kept.count + 64 { sort() }
        return surplus
    }

    /// Drops the tickets of what was taken.
    private mutating func sort() {
        var valid = FIFO<KeptPrograms.Ticket>()
        while let ticket = tickets.next() {
            if kept[ticket.id]?.number == ticket.number { valid.append(ticket) }
        }
        tickets = valid
    }
}

extension Engine {
    /// An invocation was made due, or ended, from outside.
    func changed(_ invocation: Invocation) async {
        await context?.kept.discard(invocation.id)
        settled(invocation)
    }

    /// What is kept of the runs of these queues is given up.
    func dropKept(of queues: [String]) async { await context?.kept.discard(queues: queues) }
}
