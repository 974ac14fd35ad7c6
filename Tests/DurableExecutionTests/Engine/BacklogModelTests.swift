import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The backlog against a model of the inbox, driven by random operations.
@Suite struct BacklogModelTests {
    @Test(arguments: 0..<100)
    func `each event has its turn once, in order, never two of a queue at once`(seed: UInt64) {
        var driver = BacklogDriver(seed: seed)
        for _ in 0..<300 { driver.step() }
        driver.drain()
        #expect(driver.violations == [], "seed \(seed)")
    }
}

/// A backlog, the inbox that it reads, and all that may happen to both.
private struct BacklogDriver {
    private var random: SeededGenerator
    private var backlog: Backlog
    private let queueLimit: Int
    private var inbox: [Event] = []
    private var now = Date(timeIntervalSince1970: 0)
    /// Loads under way; with an answer if the inbox was read already.
    private var loads: [(load: Backlog.Load, answer: [Event]?)] = []
    private var active: [String: Int64] = [:]
    /// The event of each queue that had its turn last, and how often it was postponed since.
    private var tried: [String: (sequence: Int64, count: Int)] = [:]
    /// Reopened in the inbox, which the backlog does not know yet.
    private var untold: Set<Int64> = []
    private(set) var violations: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        queueLimit = Int.random(in: 1...4, using: &random)
        backlog = Backlog(limit: Int.random(in: 4...24, using: &random), queueLimit: queueLimit)
    }

    private mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &random) }

    mutating func step() {
        switch roll(12) {
        case 0, 1: accept()
        case 2, 3, 4: handOut()
        case 5, 6: end()
        case 7: postpone()
        case 8: load()
        case 9: answer()
        case 10: holdBack()
        default: time()
        }
        if backlog.held > 24 + 64 * queueLimit { violations.append("\(backlog.held) events held") }
    }

    /// Has everything that is left come to its end.
    mutating func drain() {
        for _ in 0..<20_000 {
            guard inbox.contains(where: { $0.state != .done }) else { break }
            load()
            answer()
            handOut()
            end()
            time()
            reopen()
            tell()
        }
        // What is done with may be read once more.
        for _ in 0..<100 {
            load()
            answer()
            handOut()
        }
        for event in inbox where event.state != .done { violations.append("event \(event.sequence) was lost") }
        if !backlog.isIdle || backlog.held != 0 { violations.append("\(backlog.held) held in the end") }
    }

    private mutating func accept() {
        for _ in 0..<(1 + roll(5)) {
            var event = Event.example(sequence: Int64(inbox.count + 1), queue: "q\(roll(5))")
            // Not all are accepted in the order in which they happened.
            event.occurredAt += Double(inbox.count / 2 + roll(3))
            inbox.append(event)
        }
        backlog.grew()
    }

    // MARK: Reading

    private mutating func load() {
        guard let load = backlog.nextLoad() else { return }
        loads.append((load, nil))
    }

    /// A load reads the inbox, or its answer comes in, or it fails.
    private mutating func answer() {
        guard !loads.isEmpty else { return }
        let index = roll(loads.count)
        if let answer = loads[index].answer {
            backlog.loaded(answer, from: loads.remove(at: index).load)
        } else if roll(8) == 0 {
            backlog.failed(loads.remove(at: index).load)
        } else {
            loads[index].answer = read(loads[index].load)
        }
    }

    private mutating func read(_ load: Backlog.Load) -> [Event] {
        switch load {
        case .page(let last, let limit):
            Array(inbox.filter { $0.sequence > last && $0.state.isOpen }.prefix(limit))
        case .refill(let queue, let last, let through, let limit):
            Array(
                inbox.filter { $0.queue == queue && $0.sequence > last && $0.sequence <= through && $0.state.isOpen }
                    .prefix(limit))
        case .arrangement(_, let sequences):
            arrange(sequences)
        }
    }

    private mutating func arrange(_ sequences: [Int64]) -> [Event] {
        let pending = inbox.filter { sequences.contains($0.sequence) && $0.state == .pending }
        for (place, event) in zip(pending, EventOrder.sorted(pending)) {
            inbox[Int(place.sequence) - 1] = event
            inbox[Int(place.sequence) - 1].sequence = place.sequence
        }
        return inbox.filter { sequences.contains($0.sequence) && $0.state.isOpen }
    }

    // MARK: Working

    private mutating func handOut() {
        guard let (event, tries) = backlog.next() else { return }
        let open = inbox.filter { $0.queue == event.queue && $0.state.isOpen && !untold.contains($0.sequence) }
        if active[event.queue] != nil { violations.append("two of \(event.queue) at once") }
        if inbox[Int(event.sequence) - 1].state != .pending { violations.append("\(event.sequence) had its turn") }
        if let first = open.first, first.sequence < event.sequence {
            violations.append("\(event.sequence) before \(first.sequence)")
        }
        if tried[event.queue]?.sequence != event.sequence { tried[event.queue] = (event.sequence, 0) }
        let expected = tried[event.queue]?.count ?? 0
        if tries.count != expected { violations.append("\(tries.count) tries of \(event.sequence), not \(expected)") }
        active[event.queue] = event.sequence
    }

    private mutating func someActive() -> (queue: String, sequence: Int64)? {
        let all = active.sorted { $0.key < $1.key }
        guard !all.isEmpty else { return nil }
        let one = all[roll(all.count)]
        active[one.key] = nil
        return (one.key, one.value)
    }

    private mutating func end() {
        guard let (queue, sequence) = someActive() else { return }
        tried[queue] = nil
        // Held back as what ended the process, which a person may take back; else done.
        inbox[Int(sequence) - 1].state = roll(10) == 0 ? .quarantined : .done
        backlog.ended(queue)
    }

    private mutating func postpone() {
        guard let (queue, _) = someActive() else { return }
        if roll(2) == 0 {
            tried[queue]?.count += 1
            backlog.postponed(queue, until: now + Double(roll(20)), at: now)
        } else {
            backlog.blocked(queue, by: "u\(roll(2))")
        }
    }

    private mutating func time() {
        now += 3
        switch roll(6) {
        case 0: backlog.upstreamAnswers("u0", at: now, burst: 2, interval: .seconds(1))
        case 1: backlog.upstreamAnswers("u1", at: now, burst: 2, interval: .seconds(1))
        case 2: backlog.upstreamMayAnswer("u\(roll(2))")
        default: break
        }
        backlog.release(at: now)
    }

    // MARK: Holding back

    private mutating func holdBack() {
        switch roll(3) {
        case 0:
            // One that has not had its turn yet, nor is known to be next.
            let passive = inbox.filter { $0.state == .pending && !active.values.contains($0.sequence) }
            guard let last = passive.last, backlog.held == 0, loads.isEmpty else { return }
            inbox[Int(last.sequence) - 1].state = .quarantined
        case 1: reopen()
        default: tell()
        }
    }

    private mutating func reopen() {
        guard let event = inbox.first(where: { $0.state == .quarantined }) else { return }
        inbox[Int(event.sequence) - 1].state = .pending
        untold.insert(event.sequence)
    }

    private mutating func tell() {
        guard let sequence = untold.min() else { return }
        untold.remove(sequence)
        backlog.reopened(inbox[Int(sequence) - 1])
    }
}
