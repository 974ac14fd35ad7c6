import TestSupport
import Testing

@testable import tidewire

@Suite(.timeLimit(.minutes(1))) struct DeadlineClockTests {
    @Test func `a sleep ends at its deadline, and not before`() async throws {
        let base = ManualClock()
        let clock = DeadlineClock(base)
        async let long: Void = clock.sleep(for: .seconds(60))
        while clock.count < 1 { await Task.yield() }
        async let short: Void = clock.sleep(for: .milliseconds(250))
        await base.sleepers(atLeast: 2)
        base.advance(by: .milliseconds(250))
        #expect(clock.count == 2)
        base.advance(by: .milliseconds(50))
        try await short
        #expect(clock.count == 1)
        // The task of the first deadline still sleeps, and no other is needed.
        base.advance(by: .seconds(60))
        try await long
        #expect(clock.count == 0)
    }

    @Test func `sleeps that follow each other end one after the other`() async throws {
        let base = ManualClock()
        let clock = DeadlineClock(base)
        for _ in 0..<3 {
            async let sleep: Void = clock.sleep(for: .seconds(1))
            await base.sleepers(atLeast: 1)
            base.advance(by: .seconds(2))
            try await sleep
        }
        #expect(clock.count == 0)
    }

    @Test func `nothing is left of sleeps that were cancelled`() async throws {
        let base = ManualClock()
        let clock = DeadlineClock(base)
        for index in 0..<1000 {
            let sleep = Task { try await clock.sleep(for: .seconds(30 + index % 30)) }
            while clock.count == 0 { await Task.yield() }
            sleep.cancel()
            await #expect(throws: CancellationError.self) { try await sleep.value }
            #expect(clock.count == 0)
        }
        // All that sleeps is one task for each time that a sleep was to end earlier than those before.
        #expect(base.sleeperCount <= 2)
    }
}
