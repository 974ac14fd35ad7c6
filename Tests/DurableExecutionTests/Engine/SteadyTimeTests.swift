import Foundation
import TestSupport
import Testing

@testable import DurableExecution

@Suite struct SteadyTimeTests {
    let time = SteppedTime()

    func steady() -> SteadyTime { SteadyTime(wallTime: { [time] in time.date }, clock: time.clock) }

    @Test func `it is the wall time while that is not set`() {
        let steady = steady()
        for _ in 0..<1000 {
            time.clock.advance(by: .milliseconds(1234))
            #expect(steady.look().now == time.date.storable)
            #expect(steady.lead == .zero)
        }
    }

    @Test func `it goes on where the wall clock is set back, and says by how much`() {
        let steady = steady()
        let before = steady.now
        time.clock.advance(by: .seconds(10))
        time.step(by: .seconds(-3600))
        let reading = steady.look()
        #expect(reading.now == before.addingTimeInterval(10) && reading.setBack == .seconds(3600) && reading.wasSet)
        #expect(!steady.look().wasSet)
    }

    @Test func `it follows where the wall clock is set forward, at first to where it would have been`() {
        let steady = steady()
        let start = steady.now
        time.step(by: .seconds(-3600))
        _ = steady.look()
        time.step(by: .seconds(3600))
        #expect(steady.look().now == start && steady.lead == .zero)
        time.step(by: .seconds(3600))
        #expect(steady.look().now == start.addingTimeInterval(3600) && steady.look().setBack == .zero)
    }

    @Test func `steps of less than a second are left as they are`() {
        let steady = steady()
        time.step(by: .milliseconds(-900))
        #expect(!steady.look().wasSet && steady.now == time.date.storable)
    }
}
