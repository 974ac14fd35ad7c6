import Foundation

/// Which events wait for their turn, as far as they fit in memory; the inbox has the rest.
///
/// Events come in from the inbox in the order of their sequence, page by page, never from whoever accepted them, so two
/// events of one queue can't change places by chance. They do where they happened in another order than they were accepted
/// in (``EventOrder``): the inbox is told, before the next of them runs, as far as they are held. A queue that is full lets its further events pass by and fetches them later
/// by itself; so a long queue neither fills the memory nor holds up the pages that others wait for. The same goes for a
/// queue whose head has to wait: only its name is kept, and its events are read again once it goes on.
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
        /// Events that are held, to be put in the order in which they happened.
        case arrangement(queue: String, sequences: [Int64])
    }

    /// Where a queue stands; it stands in one place at a time.
    private enum Stage: Equatable {
        /// Its head may run.
        case ready
        /// Its head runs.
        case active
        /// Its head is tried again at a time.
        case delayed
        /// Its head waits for an upstream that does not answer.
        case blocked
        /// The inbox has its next events.
        case unread
        /// Its next events are being read; what is read is stale if an event before them was reopened meanwhile.
        case refilling(isStale: Bool)
        /// Its events change places.
        case arranging
    }

    private struct Queue {
        var stage: Stage
        /// The first is the head: the one that runs if the queue is active.
        var events: [Event] = []
        /// Whether its events were put in order as they are.
        var isArranged = false
        /// Whether the inbox has open events of this queue that are not held.
        var hasMore = false
        /// A refill reads what comes after this sequence.
        var last: Int64
        var tries = Tries()
        /// The head that `tries` counts for.
        var tried: Int64?
    }

    private struct Delay: Comparable {
        var time: Date
        /// The order in which queues were postponed to one time.
        var number: Int
        var queue: String

        static func < (left: Delay, right: Delay) -> Bool { (left.time, left.number) < (right.time, right.number) }
    }

    /// How the queues that waited for an upstream go on.
    private struct Wave {
        var next: Date
        var burst: Int
        var interval: Duration
    }

    private let limit: Int
    private let queueLimit: Int
    private let postponedLimit: Int
    private let pageLimit = 512
    /// How many queues are refilled at once.
    private let refillLimit = 64
    private var queues: [String: Queue] = [:]
    private var ready = FIFO<String>()
    private var refills = FIFO<String>()
    private var arrangements = FIFO<String>()
    private var delays = Heap<Delay>()
    private var delayNumber = 0
    /// By upstream that does not answer.
    private var blocked: [String: FIFO<String>] = [:]
    private var waves: [String: Wave] = [:]
    /// How many events are held.
    private(set) var held = 0
    private var activeCount = 0
    private var refillingCount = 0
    private var arrangingCount = 0
    /// How many queues are delayed or blocked.
    private var postponedCount = 0
    /// How far the inbox was read.
    private var readThrough: Int64 = 0
    private var mayHaveMore = true
    private var isReading = false
    /// Whether the inbox was read once, as far as it fits: before that, what happened earlier may be in a page to come.
    private var isFilled = false
    /// Events reopened while a page was read that may have passed them.
    private var reopenedWhileReading: [(queue: String, sequence: Int64)] = []

    /// - Parameters:
    ///   - limit: How many events are held.
    ///   - queueLimit: How many of one queue.
    ///   - postponedLimit: How many postponed queues are known; with more, the inbox is read no further.
    init(limit: Int, queueLimit: Int, postponedLimit: Int = .max) {
        self.limit = max(limit, 1)
        self.queueLimit = max(queueLimit, 1)
        self.postponedLimit = max(postponedLimit, 1)
    }

    /// Whether nothing can be done now but wait.
    var isIdle: Bool {
        ready.isEmpty && refills.isEmpty && activeCount == 0 && refillingCount == 0 && arrangingCount == 0 && !wantsPage
            && !isReading
    }

    /// When the next postponed queue goes on, as far as that is a matter of time.
    var nextRelease: Date? {
        [delays.first?.time, waves.isEmpty ? nil : waves.values.map(\.next).min()].compactMap(\.self).min()
    }

    /// Whether more events fit in memory.
    var hasRoom: Bool { held < limit }

    private var wantsPage: Bool { mayHaveMore && hasRoom && postponedCount < postponedLimit }

    /// The inbox got new events.
    mutating func grew() { mayHaveMore = true }

    // MARK: Reading the inbox

    /// The next part to read; the answer belongs into ``loaded(_:from:)``.
    mutating func nextLoad() -> Load? {
        if let name = arrangements.next() {
            return .arrangement(queue: name, sequences: queues[name]?.events.map(\.sequence) ?? [])
        }
        if held < limit, refillingCount < refillLimit, let name = refills.next(), let last = queues[name]?.last {
            queues[name]?.stage = .refilling(isStale: false)
            queues[name]?.hasMore = false
            refillingCount += 1
            return .refill(queue: name, after: last, through: readThrough, limit: queueLimit)
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
            isFilled = isFilled || events.count < limit || held >= self.limit
            let reopened = reopenedWhileReading
            reopenedWhileReading = []
            for event in reopened { reopen(event.sequence, of: event.queue) }
        case .refill(let name, _, let through, let limit):
            refilled(name, with: events, through: events.count == limit ? nil : through)
        case .arrangement(let name, let sequences):
            arranged(name, sequences, as: events)
        }
    }

    /// - Parameter sequences: Those that were to change places.
    private mutating func arranged(_ name: String, _ sequences: [Int64], as events: [Event]) {
        guard let queue = queues[name], queue.stage == .arranging else { return }
        arrangingCount -= 1
        // Unless an event before them was reopened meanwhile: then all of them are read again.
        if queue.events.map(\.sequence).starts(with: sequences) {
            let others = queue.events.dropFirst(sequences.count)
            queues[name]?.events = events + others
            queues[name]?.isArranged = others.isEmpty
            held += events.count - sequences.count
        }
        settle(name)
    }

    /// - Parameter last: How far the inbox was read for it; nil if it was read until the queue was full.
    private mutating func refilled(_ name: String, with events: [Event], through last: Int64?) {
        guard let stage = queues[name]?.stage, case .refilling(let isStale) = stage else { return }
        refillingCount -= 1
        guard !isStale else {
            queues[name]?.hasMore = true
            return settle(name)
        }
        if last == nil { queues[name]?.hasMore = true }
        if let first = events.first, first.sequence != queues[name]?.tried { queues[name]?.tries = Tries() }
        queues[name]?.events = events
        queues[name]?.isArranged = false
        queues[name]?.last = last ?? events.last?.sequence ?? 0
        held += events.count
        settle(name)
    }

    /// A load failed; it is asked for again.
    mutating func failed(_ load: Load) {
        switch load {
        case .page:
            isReading = false
            mayHaveMore = true
        case .refill(let name, _, _, _):
            guard case .refilling? = queues[name]?.stage else { return }
            refillingCount -= 1
            queues[name]?.hasMore = true
            settle(name)
        case .arrangement(let name, _):
            guard queues[name]?.stage == .arranging else { return }
            arrangingCount -= 1
            settle(name)
        }
    }

    private mutating func hold(_ event: Event) {
        let name = event.queue
        guard let queue = queues[name] else {
            queues[name] = Queue(stage: .ready, events: [event], last: event.sequence)
            held += 1
            return ready.append(name)
        }
        let isPassing = queue.hasMore || queue.events.isEmpty || queue.events.count >= queueLimit
        guard !isPassing else {
            queues[name]?.hasMore = true
            return
        }
        queues[name]?.events.append(event)
        queues[name]?.isArranged = false
        queues[name]?.last = event.sequence
        held += 1
    }

    // MARK: Working

    /// The next event that may run, whose queue is then active until it ended or was postponed.
    ///
    /// - Returns: Nil if there is none; there may be a load then that there was not before.
    mutating func next() -> (event: Event, tries: Tries)? {
        while isFilled, let name = ready.next() {
            guard let queue = queues[name] else { continue }
            guard let head = queue.events.first else {
                settle(name)
                continue
            }
            guard queue.isArranged || EventOrder.isKept(by: queue.events) else {
                queues[name]?.stage = .arranging
                arrangingCount += 1
                arrangements.append(name)
                continue
            }
            queues[name]?.stage = .active
            activeCount += 1
            return (head, queue.tries)
        }
        return nil
    }

    /// The head of the queue is done with.
    mutating func ended(_ name: String) {
        guard queues[name]?.stage == .active else { return }
        activeCount -= 1
        queues[name]?.tries = Tries()
        queues[name]?.events.removeFirst()
        held -= 1
        settle(name)
    }

    /// The head of the queue failed and is tried again at `time`; the queue waits until then.
    ///
    /// - Parameter upstream: Who did not answer, if that was why.
    mutating func postponed(_ name: String, until time: Date, upstream: String? = nil, at now: Date) {
        guard queues[name]?.stage == .active else { return }
        queues[name]?.tries.count += 1
        if queues[name]?.tries.since == nil { queues[name]?.tries.since = now }
        queues[name]?.tries.upstream = upstream
        putAway(name, as: .delayed)
        delayNumber += 1
        delays.insert(Delay(time: time, number: delayNumber, queue: name))
    }

    /// The head of the queue waits until `upstream` answers; that is no try.
    mutating func blocked(_ name: String, by upstream: String) {
        guard queues[name]?.stage == .active else { return }
        queues[name]?.tries.upstream = upstream
        putAway(name, as: .blocked)
        blocked[upstream, default: FIFO()].append(name)
        // It is silent again: the others wait with this one.
        waves[upstream] = nil
    }

    /// Keeps no more of an active queue than that its head waits.
    private mutating func putAway(_ name: String, as stage: Stage) {
        guard let queue = queues[name], let head = queue.events.first else { return }
        activeCount -= 1
        postponedCount += 1
        held -= queue.events.count
        queues[name]?.stage = stage
        queues[name]?.tried = head.sequence
        queues[name]?.events = []
        queues[name]?.hasMore = true
        queues[name]?.last = min(queue.last, head.sequence - 1)
    }

    // MARK: Going on

    /// An upstream may answer again: one of those that wait for it goes on, to find out.
    mutating func upstreamMayAnswer(_ upstream: String) { unblock(upstream, atMost: 1) }

    /// An upstream answers again: who waits for it goes on, in bursts.
    mutating func upstreamAnswers(_ upstream: String, at now: Date, burst: Int, interval: Duration) {
        guard blocked[upstream] != nil else { return }
        waves[upstream] = Wave(next: now, burst: max(burst, 1), interval: interval)
    }

    private mutating func unblock(_ upstream: String, atMost count: Int) {
        for _ in 0..<count {
            guard let name = blocked[upstream]?.next() else { break }
            goOn(name)
        }
        guard blocked[upstream]?.isEmpty ?? true else { return }
        blocked[upstream] = nil
        waves[upstream] = nil
    }

    /// Lets the queues go on whose time has come.
    mutating func release(at time: Date) {
        while let delay = delays.first, delay.time <= time {
            delays.removeFirst()
            goOn(delay.queue)
        }
        guard !waves.isEmpty else { return }
        for (upstream, wave) in waves.sorted(by: { $0.key < $1.key }) where wave.next <= time {
            waves[upstream]?.next = time.adding(wave.interval)
            unblock(upstream, atMost: wave.burst)
        }
    }

    private mutating func goOn(_ name: String) {
        postponedCount -= 1
        settle(name)
    }

    /// Takes in an event again that had its turn. It comes before those of its queue that were accepted later and have
    /// not had theirs.
    mutating func reopened(_ event: Event) {
        if event.sequence <= readThrough {
            reopen(event.sequence, of: event.queue)
        } else if isReading {
            reopenedWhileReading.append((event.queue, event.sequence))
        } else {
            mayHaveMore = true
        }
    }

    /// Has the queue read again from the event on: what the inbox says now is what counts.
    private mutating func reopen(_ sequence: Int64, of name: String) {
        guard sequence <= readThrough else {
            mayHaveMore = true
            return
        }
        guard let queue = queues[name] else {
            queues[name] = Queue(stage: .unread, hasMore: true, last: sequence - 1)
            return refills.append(name)
        }
        let isActive = queue.stage == .active
        let kept = isActive ? 1 : 0
        let dropped = queue.events.dropFirst(kept)
        let before = dropped.first.map { $0.sequence - 1 } ?? queue.last
        held -= dropped.count
        queues[name]?.events.removeLast(dropped.count)
        queues[name]?.last = min(before, sequence - 1)
        queues[name]?.hasMore = true
        if case .refilling = queue.stage { queues[name]?.stage = .refilling(isStale: true) }
    }

    /// Puts a queue where it belongs now: among the ready, the ones to refill, or nowhere.
    private mutating func settle(_ name: String) {
        guard let queue = queues[name] else { return }
        if !queue.events.isEmpty {
            queues[name]?.stage = .ready
            ready.append(name)
        } else if queue.hasMore {
            queues[name]?.stage = .unread
            refills.append(name)
        } else {
            queues[name] = nil
        }
    }
}
