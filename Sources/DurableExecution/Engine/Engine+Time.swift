import Foundation
import Logging
import Synchronization

/// Timers, clocks that are set, and the time that is left as the engine stops.
extension Engine {
    /// Notices a clock that was set, so that what waits for a time is looked at again.
    func lookAtClocks(
        _ context: EngineContext, _ group: inout ThrowingDiscardingTaskGroup<any Error>
    ) -> Date {
        let reading = steadyTime.look()
        guard reading.wasSet else { return reading.now }
        logger.notice("the clock was set", metadata: ["back": "\(reading.setBack)"])
        schedule.clockWasSet(lead: reading.lead)
        if reading.setBack > .zero {
            group.addTask {
                do throws(EngineError) {
                    try await context.hastenRetries(by: reading.setBack)
                } catch {
                    await self.note(error)
                }
                await self.becameDue(at: context.now)
            }
        }
        return reading.now
    }

    /// How long the next timer runs, and its token; nil if none is needed beyond those that are set.
    ///
    /// None runs longer than a minute, so that a wall clock that was moved is noticed.
    func nextTimer(from time: Date) -> (delay: Duration, token: Int)? {
        // What is due and was not given out just now wants a hand, or the engine stops: that raises the signal, no clock does.
        let wakes = [schedule.nextWake, context?.breakers.nextRelease].compactMap(\.self).filter { $0 > time }
        guard !isStandingStill, let wake = wakes.min() else { return nil }
        let end = min(wake, time.adding(.seconds(60)))
        guard timer.map({ end < $0.end }) ?? true else { return nil }
        lastToken += 1
        timer = (end, lastToken)
        return (max(end.since(time), .zero), lastToken)
    }

    func wake(after delay: Duration, _ token: Int) async {
        try? await clock.sleep(for: delay)
        // Whatever the clocks say by now: this timer is over, and the loop sets the next.
        if timer?.token == token { timer = nil }
        signal.raise()
    }

    /// A hand that works on an event waits for other runs, or does no longer: meanwhile another may take its place.
    func handWaits(_ waits: Bool) {
        schedule.handWaits(waits)
        signal.raise()
    }

    // MARK: Stopping

    /// How long what is in the air may take from now on; nil if that was said already, or the engine doesn't stop.
    func beginsGrace() -> Duration? {
        guard stopping.isSet, !graceBegan, let grace = grace.withLock({ $0 }) else { return nil }
        graceBegan = true
        return grace
    }

    func endGrace(after grace: Duration) async {
        guard (try? await clock.sleep(for: grace)) != nil else { return }
        logger.warning("commands in the air are cut off: they did not end in \(grace)")
        graceIsOver = true
        signal.raise()
    }

    // MARK: What falls due

    func took(_ result: Result<DueInvocations, EngineError>) {
        switch result {
        case .success(let due):
            schedule.took(due.taken, next: due.next)
        case .failure(let error):
            note(error)
            schedule.took([], next: now().adding(.seconds(5)).storable)
        }
        signal.raise()
    }
}
