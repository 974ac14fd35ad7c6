import CustomDump
import Foundation
import Testing

@testable import DurableExecution

@Suite struct BacklogTests {
    /// The inbox of the test: open events by sequence.
    struct Inbox {
        var events: [Event] = []

        mutating func add(_ queue: String) {
            events.append(.example(sequence: Int64(events.count + 1), queue: queue))
        }

        func answer(_ load: Backlog.Load) -> [Event] {
            switch load {
            case .page(let last, let limit):
                Array(events.filter { $0.sequence > last && $0.state.isOpen }.prefix(limit))
            case .refill(let queue, let last, let through, let limit):
                Array(
                    events.filter {
                        $0.queue == queue && $0.sequence > last && $0.sequence <= through && $0.state.isOpen
                    }.prefix(limit))
            case .arrangement(_, let sequences):
                events.filter { sequences.contains($0.sequence) && $0.state.isOpen }
            }
        }

        mutating func end(_ event: Event) { events[Int(event.sequence) - 1].state = .done }
    }

    /// Performs loads until none is wanted.
    func load(_ backlog: inout Backlog, from inbox: Inbox) {
        while let load = backlog.nextLoad() { backlog.loaded(inbox.answer(load), from: load) }
    }

    @Test func `events of one queue come one after the other, queues side by side`() {
        var inbox = Inbox()
        for queue in ["a", "a", "b"] { inbox.add(queue) }
        var backlog = Backlog(limit: 10, queueLimit: 10)
        load(&backlog, from: inbox)
        expectNoDifference(backlog.next()?.event.sequence, 1)
        expectNoDifference(backlog.next()?.event.sequence, 3)
        #expect(backlog.next() == nil)
        backlog.ended("a")
        expectNoDifference(backlog.next()?.event.sequence, 2)
    }

    @Test func `a long queue holds few events in memory and lets others pass`() {
        var inbox = Inbox()
        for _ in 0..<1000 { inbox.add("long") }
        inbox.add("short")
        var backlog = Backlog(limit: 100, queueLimit: 4)
        load(&backlog, from: inbox)
        #expect(backlog.held == 5)
        expectNoDifference([backlog.next()?.event.queue, backlog.next()?.event.queue], ["long", "short"])
    }

    @Test func `every event of a long queue has its turn, in order, though more keep coming`() {
        var inbox = Inbox()
        for _ in 0..<50 { inbox.add("long") }
        var backlog = Backlog(limit: 100, queueLimit: 4)
        var order: [Int64] = []
        load(&backlog, from: inbox)
        while let (event, _) = backlog.next() {
            order.append(event.sequence)
            inbox.end(event)
            if order.count < 30 {
                inbox.add("long")
                backlog.grew()
            }
            backlog.ended(event.queue)
            load(&backlog, from: inbox)
        }
        expectNoDifference(order, Array(1...79))
        #expect(backlog.isIdle && backlog.held == 0)
    }

    @Test func `an event that passes by during a refill is not forgotten`() {
        var inbox = Inbox()
        for _ in 0..<3 { inbox.add("q") }
        var backlog = Backlog(limit: 100, queueLimit: 1)
        load(&backlog, from: inbox)
        inbox.end(backlog.next()!.event)
        backlog.ended("q")
        let refill = backlog.nextLoad()!
        let found = inbox.answer(refill)
        inbox.add("q")
        backlog.grew()
        let page = backlog.nextLoad()!
        backlog.loaded(inbox.answer(page), from: page)
        backlog.loaded(found, from: refill)
        var order: [Int64] = []
        while let (event, _) = backlog.next() {
            order.append(event.sequence)
            inbox.end(event)
            backlog.ended("q")
            load(&backlog, from: inbox)
        }
        expectNoDifference(order, [2, 3, 4])
    }

    @Test func `a full memory stops reading until there is room`() {
        var inbox = Inbox()
        for number in 0..<10 { inbox.add("q\(number)") }
        var backlog = Backlog(limit: 4, queueLimit: 4)
        load(&backlog, from: inbox)
        #expect(backlog.held == 4)
        var seen = 0
        while let (event, _) = backlog.next() {
            seen += 1
            inbox.end(event)
            backlog.ended(event.queue)
            load(&backlog, from: inbox)
            #expect(backlog.held <= 4)
        }
        #expect(seen == 10)
    }

    @Test func `a postponed queue waits for its time and counts its tries`() {
        var inbox = Inbox()
        inbox.add("q")
        inbox.add("q")
        var backlog = Backlog(limit: 10, queueLimit: 10)
        load(&backlog, from: inbox)
        let now = Date(timeIntervalSince1970: 100)
        _ = backlog.next()
        backlog.postponed("q", until: now + 5, at: now)
        backlog.release(at: now + 4)
        #expect(backlog.next() == nil)
        #expect(backlog.nextRelease == now + 5)
        backlog.release(at: now + 5)
        load(&backlog, from: inbox)
        let next = backlog.next()
        expectNoDifference(next?.event.sequence, 1)
        expectNoDifference(next?.tries, Backlog.Tries(count: 1, since: now))
        backlog.ended("q")
        expectNoDifference(backlog.next()?.tries, Backlog.Tries())
    }

    /// Hands out what is ready, one after the other, until nothing is left.
    func runAll(_ backlog: inout Backlog, _ inbox: inout Inbox) -> [Int64] {
        var order: [Int64] = []
        while true {
            load(&backlog, from: inbox)
            if let (event, _) = backlog.next() {
                order.append(event.sequence)
                inbox.end(event)
                backlog.ended(event.queue)
            } else if let load = backlog.nextLoad() {
                backlog.loaded(inbox.answer(load), from: load)
            } else {
                return order
            }
        }
    }

    @Test func `an event reopened between the end of a batch and its refill runs once, and so do the others`() {
        var inbox = Inbox()
        for _ in 0..<3 { inbox.add("q") }
        var backlog = Backlog(limit: 10, queueLimit: 1)
        inbox.events[0].state = .quarantined
        load(&backlog, from: inbox)
        inbox.end(backlog.next()!.event)
        backlog.ended("q")
        inbox.events[0].state = .pending
        backlog.reopened(inbox.events[0])
        let refill = backlog.nextLoad()!
        let early = backlog.next()
        backlog.loaded(inbox.answer(refill), from: refill)
        let both = [early?.event.sequence, backlog.next()?.event.sequence].compactMap(\.self)
        expectNoDifference(both, [1])
        inbox.end(inbox.events[0])
        backlog.ended("q")
        expectNoDifference(runAll(&backlog, &inbox), [3])
        #expect(backlog.isIdle && backlog.held == 0)
    }

    @Test func `an event reopened while a page that passed it is read is not lost`() {
        var inbox = Inbox()
        inbox.add("a")
        inbox.add("b")
        inbox.events[0].state = .quarantined
        var backlog = Backlog(limit: 10, queueLimit: 10)
        let page = backlog.nextLoad()!
        let answer = inbox.answer(page)
        inbox.events[0].state = .pending
        backlog.reopened(inbox.events[0])
        backlog.loaded(answer, from: page)
        expectNoDifference(runAll(&backlog, &inbox), [2, 1])
    }

    @Test func `an event reopened while a page that has it is read runs once`() {
        var inbox = Inbox()
        inbox.add("a")
        var backlog = Backlog(limit: 10, queueLimit: 10)
        let page = backlog.nextLoad()!
        backlog.reopened(inbox.events[0])
        backlog.loaded(inbox.answer(page), from: page)
        expectNoDifference(runAll(&backlog, &inbox), [1])
        #expect(backlog.isIdle && backlog.held == 0)
    }

    @Test func `postponed queues hold no memory, so that the inbox is read on for others`() {
        var inbox = Inbox()
        for number in 0..<100 { inbox.add("q\(number)") }
        inbox.add("other")
        var backlog = Backlog(limit: 8, queueLimit: 4)
        let now = Date(timeIntervalSince1970: 100)
        load(&backlog, from: inbox)
        while let (event, _) = backlog.next(), event.queue != "other" {
            event.sequence % 2 == 0
                ? backlog.blocked(event.queue, by: "api")
                : backlog.postponed(event.queue, until: now + 60, at: now)
            load(&backlog, from: inbox)
        }
        #expect(backlog.held == 1)
        backlog.ended("other")
        backlog.upstreamAnswers("api", at: now + 60, burst: 100, interval: .seconds(1))
        backlog.release(at: now + 60)
        inbox.end(inbox.events[100])
        expectNoDifference(runAll(&backlog, &inbox).sorted(), Array(1...100))
    }

    @Test func `queues that wait for an upstream go on one to probe, then in bursts`() {
        var inbox = Inbox()
        for number in 0..<10 { inbox.add("q\(number)") }
        var backlog = Backlog(limit: 100, queueLimit: 4)
        let now = Date(timeIntervalSince1970: 100)
        load(&backlog, from: inbox)
        while let (event, _) = backlog.next() { backlog.blocked(event.queue, by: "api") }
        #expect(backlog.nextRelease == nil)
        backlog.upstreamMayAnswer("api")
        expectNoDifference(runAll(&backlog, &inbox), [1])
        backlog.upstreamAnswers("api", at: now, burst: 4, interval: .seconds(1))
        var bursts: [[Int64]] = []
        while let time = backlog.nextRelease {
            backlog.release(at: time)
            bursts.append(runAll(&backlog, &inbox))
        }
        expectNoDifference(bursts, [[2, 3, 4, 5], [6, 7, 8, 9], [10]])
    }

    @Test func `events that happened in another order change places before the next begins`() {
        func event(_ sequence: Int64, at seconds: Double) -> Event {
            var event = Event.example(sequence: sequence)
            event.occurredAt += seconds
            return event
        }
        var backlog = Backlog(limit: 10, queueLimit: 10)
        backlog.loaded([event(1, at: 9), event(2, at: 5)], from: backlog.nextLoad()!)
        #expect(backlog.next() == nil)
        let load = backlog.nextLoad()
        expectNoDifference(load, .arrangement(queue: "q", sequences: [1, 2]))
        #expect(!backlog.isIdle && backlog.next() == nil)
        // One comes while they change places.
        backlog.grew()
        backlog.loaded([event(3, at: 1)], from: backlog.nextLoad()!)
        backlog.loaded([event(1, at: 5), event(2, at: 9)], from: load!)
        #expect(backlog.next() == nil)
        backlog.failed(backlog.nextLoad()!)
        #expect(backlog.next() == nil)
        // The store need not do as it is told: it is asked once.
        backlog.loaded([event(1, at: 5), event(2, at: 1), event(3, at: 9)], from: backlog.nextLoad()!)
        expectNoDifference(backlog.next()?.event.sequence, 1)
        #expect(backlog.held == 3 && backlog.nextLoad() == nil)
    }

    @Test func `nothing begins before the inbox was read as far as it fits`() {
        var inbox = Inbox()
        for index in 0..<600 { inbox.add("\(index)") }
        var backlog = Backlog(limit: 1000, queueLimit: 10)
        backlog.loaded(inbox.answer(backlog.nextLoad()!), from: .page(after: 0, limit: 512))
        #expect(backlog.held == 512 && backlog.next() == nil)
        load(&backlog, from: inbox)
        #expect(backlog.next() != nil)
    }

    @Test func `a load that failed is asked for again`() {
        var backlog = Backlog(limit: 10, queueLimit: 10)
        let load = backlog.nextLoad()!
        #expect(backlog.nextLoad() == nil)
        backlog.failed(load)
        expectNoDifference(backlog.nextLoad(), load)
    }
}

extension Event {
    static func example(sequence: Int64, queue: String = "q") -> Event {
        Event(
            sequence: sequence, identity: "e\(sequence)", queue: queue, kind: "message", source: "webhook",
            payload: Data("{}".utf8), occurredAt: Date(timeIntervalSince1970: 1_736_942_400),
            acceptedAt: Date(timeIntervalSince1970: 1_736_942_400))
    }
}
