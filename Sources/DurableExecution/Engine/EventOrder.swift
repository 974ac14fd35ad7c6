import Foundation

/// The order of events of one queue that have not begun: what happened earlier goes first.
///
/// Sources tell times more or less finely, so events are compared as finely as the coarsest of them; those that happened
/// in the same unit keep the order in which they were accepted.
enum EventOrder {
    /// Whether events that stand in the order of acceptance stand in this order too.
    static func isKept(by events: some Collection<Event>) -> Bool {
        let events = pending(events)
        let unit = unit(of: events)
        return zip(events, events.dropFirst()).allSatisfy { $0.time(in: unit) <= $1.time(in: unit) }
    }

    /// - Parameter events: Pending ones, in sequence.
    static func sorted(_ events: [Event]) -> [Event] {
        let unit = unit(of: events)
        return events.sorted { ($0.time(in: unit), $0.sequence) < ($1.time(in: unit), $1.sequence) }
    }

    private static func pending(_ events: some Collection<Event>) -> [Event] {
        events.filter { $0.state == .pending }.sorted { $0.sequence < $1.sequence }
    }

    /// Microseconds: of a whole second, of a thousandth, or one.
    private static func unit(of events: [Event]) -> Int64 {
        events.map { event in
            let time = event.occurredAt.microseconds
            return [1_000_000, 1000].first { time % $0 == 0 } ?? 1
        }.max() ?? 1
    }
}

extension Event {
    fileprivate func time(in unit: Int64) -> Int64 {
        let time = occurredAt.microseconds
        return time >= 0 ? time / unit : (time - unit + 1) / unit
    }
}
