import Metrics
import Synchronization

/// One series of a metric: its name, its labels and what was counted.
///
/// All kinds of swift-metrics are one class, since Prometheus's text knows three: counter, gauge and histogram.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    enum Kind: Hashable {
        case counter
        case gauge
        /// The upper bounds of its buckets, rising; one without bound follows them.
        case histogram([Double])
    }

    /// What was counted so far.
    struct Reading: Hashable {
        /// A counter's or gauge's value; a histogram's sum.
        var value = 0.0
        /// How often a value fell into each bucket, the one without bound last; empty unless it is a histogram.
        var buckets: [Int64] = []
    }

    let kind: Kind
    private let reading: Mutex<Reading>

    init(_ kind: Kind) {
        self.kind = kind
        var first = Reading()
        if case .histogram(let bounds) = kind { first.buckets = Array(repeating: 0, count: bounds.count + 1) }
        reading = Mutex(first)
    }

    var current: Reading { reading.withLock { $0 } }

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) { reading.withLock { $0.value += amount } }

    func decrement(by amount: Double) { increment(by: -amount) }

    func reset() { reading.withLock { $0.value = 0 } }

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) { reading.withLock { $0.value = value } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard case .histogram(let bounds) = kind else { return set(value) }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        reading.withLock { reading in
            reading.value += value
            reading.buckets[bucket] += 1
        }
    }

    /// Times are given in seconds, as Prometheus asks. Source: Prometheus docs, Metric and label naming.
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func preferDisplayUnit(_ unit: TimeUnit) {}
}
