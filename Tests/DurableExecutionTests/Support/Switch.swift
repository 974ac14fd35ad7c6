import Synchronization

/// Something that is on or off, for closures of tests to share.
final class Switch: Sendable {
    private let value: Atomic<Bool>
    init(_ isOn: Bool = false) { value = Atomic(isOn) }
    var isOn: Bool {
        get { value.load(ordering: .acquiring) }
        set { value.store(newValue, ordering: .releasing) }
    }
}
