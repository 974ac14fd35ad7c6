import Foundation
import TestSupport

@testable import DurableExecution

/// How a store's calls go in a simulation, beside that they may be where the process dies.
struct StoreConditions: Sendable {
    /// Whose turn it is while the store works on threads of its own.
    var executor: SeededExecutor?
    /// Why the call of that name fails before it did anything; nil: it doesn't.
    var fails: @Sendable (String) -> EngineError? = { _ in nil }
    var fault: SimulatedFault?
}

/// The lies of planted faults.
extension StoreConditions {
    func altered(_ pruning: Pruning) -> Pruning {
        guard fault == .prunesYoung else { return pruning }
        var pruning = pruning
        pruning.events = .distantFuture
        pruning.identities = .distantFuture
        return pruning
    }

    func altered(_ events: [Event], isRefill: Bool) -> [Event] {
        switch fault {
        case .losesEventOfPage where events.count > 1 && !isRefill:
            return [events[0]] + events.dropFirst(2)
        case .swapsQueue where events.count > 2:
            return events.prefix(events.count - 3) + [
                events[events.count - 2], events[events.count - 3], events[events.count - 1],
            ]
        default:
            return events
        }
    }

    func altered(_ entry: JournalEntry) -> JournalEntry {
        var entry = entry
        switch fault {
        case .retryForgetsDoubt where entry.state == .failed: entry.failure?.outcomeUnknown = false
        case .restartForgetsDoubt where entry.isUndecided && Person.isAsking:
            entry.state = .retrying
            entry.failure?.outcomeUnknown = false
        default: break
        }
        return entry
    }

    func overlooks(_ filter: InvocationFilter) -> Bool {
        switch fault {
        case .forgetOverlooksRunning: Person.isForgetting && filter.states == [.running]
        case .modesOverlookOpen: !Person.isAsking && filter.rule != nil
        default: false
        }
    }
}

extension Task where Success == Never, Failure == Never {
    /// Returns only when the task is cancelled.
    static func never() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
        continuation.finish()
    }
}
