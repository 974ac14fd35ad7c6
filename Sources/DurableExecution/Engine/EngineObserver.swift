public import Foundation

/// Follows what the engine does, for logs, live lines and pages.
public protocol EngineObserver: Sendable {
    /// Called as things happen, from any task, in order for one invocation. Must not block.
    func observe(_ notice: EngineNotice)
}

/// Something that the engine did. Cases are added over time; a switch should have a default.
public enum EngineNotice: Sendable {
    case accepted(Event)
    case duplicate(NewEvent, of: Int64)
    case prepared(Event)
    case matched(Event, Matching)
    /// The event ended a wait of the invocation, which goes on with it.
    case delivered(Event, to: Invocation)
    /// Begun or taken up again; ``Invocation/attempt`` tells.
    case started(Invocation)
    /// About to be performed; commands that are replayed from the journal are not told.
    case command(Invocation, Command, position: Int)
    case commandEnded(Invocation, Command, position: Int, Result<Data, CommandFailure>, duration: Duration)
    case log(Invocation, LogLine)
    case retrying(Invocation, at: Date, CommandFailure)
    case waiting(Invocation)
    case parked(Invocation)
    /// Held until a time or a release; see ``Hold``.
    case held(Invocation, Hold)
    case paused(Pause)
    case resumed(Pause)
    /// Nobody answers at its upstream any more; commands for it wait.
    case breakerOpened(Breaker)
    /// The upstream of the breaker, given as it was before, answers again.
    case breakerClosed(Breaker)
    /// The event ended processes while it ran, and is held back.
    case quarantined(Quarantined)
    /// Finished, failed or cancelled, as its state says; `duration` is since it was created.
    case ended(Invocation, duration: Duration)
    /// Done, or in another final state; `duration` is since it was accepted.
    case eventEnded(Event, duration: Duration)
}
