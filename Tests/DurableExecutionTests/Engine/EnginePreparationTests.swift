import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EnginePreparationTests {
    @Test func `the payload that preparation made is recorded and matched`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let seen = Mutex<[Data]>([])
        bench.handler.preparing = { _, _ in .ready(payload: Data("{\"media\":\"image\"}".utf8)) }
        bench.handler.matching = { event in
            seen.withLock { $0.append(event.payload) }
            return Matching(starts: [Start(rule: "rule", version: "1")])
        }
        try await bench.process(bench.event("a"))
        let payload = Data("{\"media\":\"image\"}".utf8)
        #expect(seen.withLock { $0 } == [payload])
        #expect(try await bench.store.event(1)?.payload == payload)
    }

    @Test func `an event found to be another one's double runs no rule and keeps the reason`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.handler.preparing = { event, _ in
            event.sequence == 2 ? .duplicate(of: 1, reason: "same message id") : .ready(payload: event.payload)
        }
        try await bench.process(bench.event("a"), bench.event("b"))
        #expect(bench.handler.performed.map(\.event) == [1])
        let event = try await bench.store.event(2)
        #expect(event?.state == .duplicate)
        #expect(event?.note == "of event 1: same message id")
    }

    @Test func `an identity can be claimed by one event only, and by it again`() async throws {
        let bench = try EngineBench()
        let results = Mutex<[ClaimResult]>([])
        bench.handler.preparing = { event, claims in
            for _ in 0..<2 {
                let result = try await claims.claim("message-1")
                results.withLock { $0.append(result) }
            }
            return .ready(payload: event.payload)
        }
        try await bench.process(bench.event("a"), bench.event("b"))
        expectNoDifference(results.withLock { $0 }, [.claimed, .claimed, .heldBy(1), .heldBy(1)])
        let late = try await bench.process(bench.event("message-1"))
        expectNoDifference(late, [.duplicate(of: 1)])
    }

    @Test func `an event that can't be prepared now is tried again while its queue waits`() async throws {
        let bench = try EngineBench(ScriptedHandler([.once("send")]))
        let isUp = Mutex(false)
        bench.handler.preparing = { event, _ in
            guard isUp.withLock({ $0 }) || event.queue == "other" else {
                throw EngineFailure("upstream is down", retryable: true)
            }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b"), bench.event("c", queue: "other")])
            await engine.idle()
            #expect(bench.handler.performed.map(\.event) == [3])
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
            isUp.withLock { $0 = true }
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
            #expect(bench.handler.performed.map(\.event) == [3], "the second delay is longer than a second")
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
        }
        #expect(bench.handler.performed.map(\.event) == [3, 1, 2])
    }

    @Test func `an event that can't be prepared is tried again for as long as it is not too old, however often`()
        async throws
    {
        var bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.configuration.retry.attemptLimit = 3
        let isUp = Mutex(false)
        bench.handler.preparing = { event, _ in
            guard isUp.withLock({ $0 }) else { throw EngineFailure("upstream is down", retryable: true) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a")])
            for _ in 0..<12 {
                await engine.idle()
                bench.clock.advance(by: .seconds(301))
            }
            isUp.withLock { $0 = true }
            await engine.idle()
        }
        #expect(bench.handler.performed.map(\.event) == [1])
    }

    @Test func `an event that can't be prepared until it is too old is ended, and the queue goes on`() async throws {
        var bench = try EngineBench(ScriptedHandler([.once("send")]))
        bench.configuration.maxAge = .seconds(25)
        bench.handler.preparing = { event, _ in
            guard event.sequence > 1 else { throw EngineFailure("upstream is down", retryable: true) }
            return .ready(payload: event.payload)
        }
        try await bench.run { engine in
            _ = try await engine.accept([bench.event("a"), bench.event("b")])
            for _ in 0..<3 {
                await engine.idle()
                bench.clock.advance(by: .seconds(10))
            }
            await engine.idle()
        }
        let event = try await bench.store.event(1)
        #expect(event?.state == .expired)
        #expect(event?.note?.isEmpty == false)
        let next = try await bench.store.event(2)
        #expect(next?.state.isOpen == false)
    }

    @Test(arguments: [true, false])
    func `a failure that is not retryable fails the event at once`(isEngineFailure: Bool) async throws {
        struct Oddity: Error {}
        let bench = try EngineBench()
        bench.handler.matching = { _ in
            if isEngineFailure { throw EngineFailure("no way", retryable: false) } else { throw Oddity() }
        }
        try await bench.process(bench.event("a"))
        let event = try await bench.store.event(1)
        #expect(event?.state == .failed)
        #expect(event?.note == (isEngineFailure ? "no way" : "Oddity()"))
    }
}
