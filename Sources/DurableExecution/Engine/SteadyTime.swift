import Foundation
import Synchronization

/// The time that delays within this process are counted by: the wall time, except that it is never set back.
///
/// Where the wall clock is set back, this one goes on and is ahead of it from then on; where the wall clock is set
/// forward, or went on while the machine slept, this one follows. So a probe or a retry that is due in a minute is not
/// due in a year, whatever becomes of the clock.
final class SteadyTime: Sendable {
    /// Smaller steps are left as they are: a delay may be longer by so much.
    private static let tolerance = Duration.seconds(1)

    private struct State {
        var wall: Date
        var elapsed: Duration
        var lead: Duration = .zero
    }

    /// What a look at the clocks found.
    struct Reading {
        var now: Date
        /// How far ``now`` is ahead of the wall time.
        var lead: Duration
        /// By how much the wall clock was set back since the last look.
        var setBack: Duration
        /// Whether it was set at all since.
        var wasSet: Bool
    }

    private let wallTime: @Sendable () -> Date
    private let elapsed: @Sendable () -> Duration
    private let state: Mutex<State>

    init(wallTime: @escaping @Sendable () -> Date, clock: any Clock<Duration>) {
        self.wallTime = wallTime
        elapsed = Self.stopwatch(clock)
        state = Mutex(State(wall: wallTime().storable, elapsed: elapsed()))
    }

    private static func stopwatch<Source: Clock<Duration>>(_ clock: Source) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// How far it is ahead of the wall time.
    var lead: Duration { state.withLock { $0.lead } }

    var now: Date { wallTime().storable.adding(lead) }

    func look() -> Reading {
        state.withLock { state in
            let (wall, elapsed) = (wallTime().storable, elapsed())
            let step = wall.since(state.wall) - (elapsed - state.elapsed)
            state.wall = wall
            state.elapsed = elapsed
            let before = state.lead
            let wasSet = step < .zero - Self.tolerance || step > Self.tolerance
            if wasSet { state.lead = max(state.lead - step, .zero) }
            return Reading(
                now: wall.adding(state.lead), lead: state.lead, setBack: max(state.lead - before, .zero),
                wasSet: wasSet)
        }
    }
}
