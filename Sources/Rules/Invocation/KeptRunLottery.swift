import Synchronization

/// Decides by a seed which waiting runs are rebuilt though they were kept. For tests: no rule may notice.
final class KeptRunLottery: Sendable, Hashable {
    private let state: Mutex<UInt64>

    init(seed: UInt64) { state = Mutex(seed) }

    /// Half of the times. SplitMix64; source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
    func draw() -> Bool {
        state.withLock { state in
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            return (bits ^ (bits >> 31)) & 1 == 0
        }
    }

    static func == (left: KeptRunLottery, right: KeptRunLottery) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
