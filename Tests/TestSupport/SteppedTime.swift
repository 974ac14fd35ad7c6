public import Foundation
import Synchronization

/// A ``ManualClock`` and a wall clock that goes with it until it is set, or the machine sleeps.
public final class SteppedTime: Sendable {
    public let clock: ManualClock
    private let offset = Mutex(Duration.zero)

    public init(_ clock: ManualClock = ManualClock()) { self.clock = clock }

    /// The wall time.
    public var date: Date { clock.date.addingTimeInterval(offset.withLock { $0 } / .seconds(1)) }

    /// Sets the wall clock forward, or back; sleepers don't notice.
    public func step(by duration: Duration) { offset.withLock { $0 += duration } }

    /// The machine sleeps, and its continuous clock with it: only the wall time goes on.
    public func suspend(for duration: Duration) { step(by: duration) }
}
