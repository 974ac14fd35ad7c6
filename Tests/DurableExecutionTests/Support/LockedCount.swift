import Synchronization

final class LockedCount: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .acquiring) }
    func decrement() { count.subtract(1, ordering: .acquiringAndReleasing) }
    func increment() { count.add(1, ordering: .acquiringAndReleasing) }
}
