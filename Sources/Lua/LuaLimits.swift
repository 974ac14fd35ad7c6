internal import CLua

/// What one state and its scripts may use.
public struct LuaLimits: Sendable, Hashable {
    /// Bytes that a state holds after a collection. The script that exceeds it is stopped.
    ///
    /// Lua is refused memory only at four times this (eight times for small requests), which a script meets with a
    /// single huge value.
    public var memoryBytes: Int
    /// Processor time of one step, from command to command, and of loading a file.
    public var cpu: Duration
    /// Time of one step, host functions included, without the pauses in it.
    public var wall: Duration
    /// Processor time after which a step pauses so that others can run; zero for never.
    public var slice: Duration
    /// Bytes of one source file.
    public var sourceBytes: Int
    /// Bytes of the values of one command, call or result, and of one JSON text.
    public var valueBytes: Int

    public init(
        memoryBytes: Int = 64 << 20, cpu: Duration = .milliseconds(250), wall: Duration = .seconds(10),
        slice: Duration = .milliseconds(5), sourceBytes: Int = 256 << 10, valueBytes: Int = 8 << 20
    ) {
        self.memoryBytes = memoryBytes
        self.cpu = cpu
        self.wall = wall
        self.slice = slice
        self.sourceBytes = sourceBytes
        self.valueBytes = valueBytes
    }

    /// Limits what all states of the process hold together; nil for no limit. The script that is running when the
    /// sum exceeds it is stopped.
    public static func setMemoryCeiling(_ bytes: Int?) {
        tw_set_memory_ceiling(bytes ?? 0)
    }

    var settings: tw_settings {
        tw_settings(
            memory_bytes: memoryBytes, cpu_ns: cpu.nanoseconds, slice_ns: slice.nanoseconds, wall_ns: wall.nanoseconds,
            source_bytes: sourceBytes, value_bytes: valueBytes, has_stock: 0)
    }
}

/// Memory that can be had by dropping invocations: of one state, or of all states of the process.
public enum LuaMemoryReserve: Sendable, Hashable {
    case state, process
}

extension Duration {
    /// Whole nanoseconds, at most a hundred years of them, so that sums stay in range.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds < 100 * 365 * 86_400 else { return 100 * 365 * 86_400 * 1_000_000_000 }
        return max(0, seconds) * 1_000_000_000 + max(0, attoseconds) / 1_000_000_000
    }

}
