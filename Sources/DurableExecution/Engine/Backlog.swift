import Foundation

/// Which events wait for their turn, as far as they fit in memory; the inbox has the rest.
///
/// Events come in from the inbox in the order of their sequence, page by page, never from whoever accepted them, so two
/// events of one queue can't change places. A queue that is full lets its further events pass by and fetches them later
/// by itself; so a long queue neither fills the memory nor holds up the pages that others wait for.
struct Backlog {
    /// How often the head of a queue was tried in vain.
    struct Tries: Hashable {
        var count = 0
        var since: Date?
        /// Who did not answer at the last try.
        var upstream: String?
    }

    /// A part of the inbox to be read.
    enum Load: Hashable {
        case page(after: Int64, limit: Int)
        case refill(queue: String, after: Int64, through: Int64, limit: Int)
    }

    private struct Queue {
        /// The first is the head: the one that runs if the queue is active.
        var events: [Event] = []
        var isActive = false
        /// Whether the inbox has open events of this queue that passed by.
        var hasMore = false
        var isRefilling = false
        var tries = Tries()
        /// The last sequence that was held.
        var last: Int64 = 0
    }

    private let limit: Int
    private let queueLimit: Int
    private let pageLimit = 512
    private var queues: [String: Queue] = [:]
    private var ready = FIFO<String>()
    private var refills = FIFO<String>()
    private var postponed: [String: Date] = [:]
    /// How many events are held.
    private(set) var held = 0
    /// How far the inbox was read.
    private var readThrough: Int64 = 0
    private var mayHaveMore = true
    private var isReading = false

    init(limit: Int, queueLimit: Int) {
        self.limit = max(limit, 1)
        self.queueLimit = max(queueLimit, 1)
    }

    /// Whether nothing can be done now but wait.
    var isIdle: Bool {
        ready.isEmpty && refills.isEmpty && !wantsPage && !isReading
            && !queues.values.contains { $0.isActive || $0.isRefilling }
    }

    /// When the next postponed queue goes on.
    var nextRelease: Date? { postponed.values.min() }

    private var wantsPage: Bool { mayHaveMore && held < limit }

    /// The inbox got new events.
    mutating func grew() { mayHaveMore = true }

    // MARK: Reading the inbox

    /// The next part to read; the answer belongs into ``loaded(_:from:)``.
    mutating func nextLoad() -> Load? {
        if let queue = refills.next(), let last = queues[queue]?.last {
            queues[queue]?.isRefilling = true
            queues[queue]?.hasMore = false
            return .refill(queue: queue, after: last, through: readThrough, limit: queueLimit)
        }
        guard wantsPage, !isReading else { return nil }
        isReading = true
        mayHaveMore = false
        return .page(after: readThrough, limit: min(pageLimit, limit - held))
    }

    /// Takes what a load found, in order of sequence.
    mutating func loaded(_ events: [Event], from load: Load) {
        switch load {
        case .page(_, let limit):
            isReading = false
            mayHaveMore = mayHaveMore || events.count == limit
            for event in events { hold(event) }
            readThrough = events.last?.sequence ?? readThrough
        case .refill(let name, _, _, let limit):
            var queue = queues[name] ?? Queue()
            queue.isRefilling = false
            queue.hasMore = queue.hasMore || events.count == limit
            queue.events += events
            queue.last = events.last?.sequence ?? queue.last
            held += events.count
            settle(queue, name)
        }
    }

    /// A load failed; it is asked for again.
    mutating func failed(_ load: Load) {
        switch load {
        case .page:
            isReading = false
            mayHaveMore = true
        case .refill(let name, _, _, _):
            queues[name]?.isRefilling = false
            queues[name]?.hasMore = true
            refills.append(name)
        }
    }

    private mutating func hold(_ event: Event) {
        var queue = queues[event.queue] ?? Queue()
        if queue.hasMore || queue.isRefilling || queue.events.count >= queueLimit {
            queue.hasMore = true
        } else {
            queue.events.append(event)
            queue.last = event.sequence
            held += 1
            if queue.events.count == 1 { ready.append(event.queue) }
        }
        queues[event.queue] = queue
    }

    // MARK: Working

    /// The next event that may run, whose queue is then active until it ended or was postponed.
    mutating func next() -> (event: Event, tries: Tries)? {
        guard let name = ready.next(), let queue = queues[name], let head = queue.events.first else { return nil }
        queues[name]?.isActive = true
        return (head, queue.tries)
    }

    /// The head of the queue is done with.
    mutating func ended(_ name: String) {
        guard var queue = queues[name] else { return }
        queue.isActive = false
        queue.tries = Tries()
        queue.events.removeFirst()
        held -= 1
        settle(queue, name)
    }

    /// The head of the queue is tried again at `time`; the queue waits until then.
    ///
    /// - Parameter upstream: Who did not answer, if that was why.
    mutating func postponed(_ name: String, until time: Date, upstream: String? = nil, at now: Date) {
        guard var queue = queues[name] else { return }
        queue.isActive = false
        queue.tries.count += 1
        queue.tries.since = queue.tries.since ?? now
        queue.tries.upstream = upstream
        queues[name] = queue
        postponed[name] = time
    }

    /// An upstream answers again: who waits for it goes on, in bursts.
    mutating func upstreamAnswers(_ upstream: String, at now: Date, burst: Int, interval: Duration) {
        let waiting = postponed.keys.filter { queues[$0]?.tries.upstream == upstream }.sorted()
        for (index, name) in waiting.enumerated() {
            postponed[name] = now.adding(interval * (index / max(burst, 1)))
        }
    }

    /// Takes in an event again that had its turn; it comes after those that are held.
    mutating func reopened(_ event: Event) {
        guard event.sequence <= readThrough else {
            mayHaveMore = true
            return
        }
        var queue = queues[event.queue] ?? Queue()
        queue.events.append(event)
        queue.last = max(queue.last, event.sequence)
        held += 1
        if queue.events.count == 1, !queue.isRefilling { ready.append(event.queue) }
        queues[event.queue] = queue
    }

    /// Lets the queues go on whose time has come.
    mutating func release(at time: Date) {
        guard !postponed.isEmpty else { return }
        let due = postponed.filter { $0.value <= time }
        for (name, _) in due.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
            postponed[name] = nil
            ready.append(name)
        }
    }

    /// Puts a queue that is not active where it belongs: among the ready, the ones to refill, or nowhere.
    private mutating func settle(_ queue: Queue, _ name: String) {
        queues[name] = queue
        if !queue.events.isEmpty {
            ready.append(name)
        } else if queue.hasMore {
            refills.append(name)
        } else {
            queues[name] = nil
        }
    }
}

/// First in, first out, at constant cost.
struct FIFO<Element> {
    private var incoming: [Element] = []
    private var outgoing: [Element] = []

    var isEmpty: Bool { incoming.isEmpty && outgoing.isEmpty }
    var count: Int { incoming.count + outgoing.count }

    mutating func append(_ element: Element) { incoming.append(element) }

    mutating func next() -> Element? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll(keepingCapacity: true)
        }
        return outgoing.popLast()
    }
}
