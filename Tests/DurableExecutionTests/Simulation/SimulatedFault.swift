import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// A promise that the engine is made to break, which the simulation has to notice.
enum SimulatedFault: Sendable, Hashable, CustomTestStringConvertible {
    /// The store lies.
    case memory(MemoryStore.Fault)
    /// A timer that was set when the wall clock was stepped back never fires.
    case timersStopAfterStep
    /// A graceful stop interrupts commands in the air.
    case stopInterrupts
    /// A look for an unknown outcome that fails counts as one that finds nothing.
    case failedLookIsAnAnswer
    /// A person who has an invocation go on isn't told that a command which failed may have taken place.
    case retryForgetsDoubt
    /// A person who has an invocation start anew isn't told of a command of which nobody knows whether it took place.
    case restartForgetsDoubt
    /// What runs is overlooked by who has a conversation forgotten.
    case forgetOverlooksRunning
    /// An event of a page doesn't reach its queue.
    case losesEventOfPage
    /// An event is read into the queue behind the one after it.
    case swapsQueue
    /// A read that failed for a moment counts as finding nothing.
    case failedReadFindsNothing
    /// There always seems to be an event that a wait has to see first.
    case pendingForEver
    /// Start modes don't see what is unfinished.
    case modesOverlookOpen
    /// What is young is deleted with what is old.
    case prunesYoung
    /// A cursor that was kept isn't.
    case losesCursor
    /// Overwriting what was deleted never ends.
    case scrubsForEver

    /// All that can be found. Not among them: matches that ignore that a wait was registered meanwhile, which the engine
    /// keeps from happening at the same time in one process.
    static let all: [SimulatedFault] =
        MemoryStore.Fault.allCases.map(memory) + [
            timersStopAfterStep, stopInterrupts, failedLookIsAnAnswer, retryForgetsDoubt, restartForgetsDoubt,
            forgetOverlooksRunning, losesEventOfPage, swapsQueue, failedReadFindsNothing, pendingForEver,
            modesOverlookOpen, prunesYoung, losesCursor, scrubsForEver,
        ]

    var memoryFault: MemoryStore.Fault? { if case .memory(let fault) = self { fault } else { nil } }

    /// The only store in which it can be planted, if there is one.
    var disk: Scenery.Disk? { .memory }

    var testDescription: String { memoryFault.map { "\($0)" } ?? "\(self)" }
}

/// A clock whose sleepers sleep on for ever when the wall clock was set back meanwhile.
struct SteppedClock: Clock {
    let base: ManualClock
    let world: World

    var now: ManualClock.Instant { base.now }
    var minimumResolution: Duration { base.minimumResolution }

    func sleep(until deadline: ManualClock.Instant, tolerance: Duration?) async throws {
        let skew = world.skew
        try await base.sleep(until: deadline, tolerance: tolerance)
        guard world.skew < skew else { return }
        await Task.never()
        throw CancellationError()
    }
}
