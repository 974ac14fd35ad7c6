import Synchronization

/// Counts commands in the order in which programs first ask for them, without asking a clock.
///
/// The epoch stands before the count, so what a later process asks for comes later.
final class AskingOrder: Sendable {
    /// Commands of one process; at 100,000 a second that is four months.
    private static let bits = 40

    private let last: Atomic<Int64>

    init(_ epoch: Epoch) { last = Atomic(epoch.number << Self.bits) }

    func next() -> Int64 { last.add(1, ordering: .relaxed).newValue }
}
