import Metrics
import Synchronization

/// Collects what the libraries count through swift-metrics, and writes it as Prometheus reads it.
///
/// Counters that the code makes anew for each use share one series by name and labels.
final class MetricRegistry: MetricsFactory {
    /// The registry of this process.
    static let shared = MetricRegistry()

    /// Bounds of the buckets for times, in seconds.
    static let timeBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
    ]
    /// Bounds of the buckets for counts.
    static let countBounds: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]

    private struct Key: Hashable {
        var name: String
        var labels: [Label]
    }

    struct Label: Hashable {
        var name: String
        var value: String
    }

    /// More series than this are not kept: a label that takes ever new values must not fill the memory.
    private let seriesLimit: Int
    private let series = Mutex<[Key: MetricSeries]>([:])

    init(seriesLimit: Int = 10_000) {
        self.seriesLimit = seriesLimit
    }

    /// Has this process count in ``shared``. To be called once, before anything counts.
    static func bootstrap() { MetricsSystem.bootstrap(shared) }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter)
    }

    func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        find(label, dimensions, .counter)
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions, .gauge)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .histogram(Self.countBounds) : .gauge)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .histogram(Self.timeBounds))
    }

    // Series stay: what was counted is still true when nobody holds the counter any more.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private func find(_ name: String, _ dimensions: [(String, String)], _ kind: MetricSeries.Kind) -> MetricSeries {
        let labels = dimensions.map { Label(name: $0.0, value: $0.1) }.sorted { $0.name < $1.name }
        let key = Key(name: name, labels: labels)
        return series.withLock { series in
            if let known = series[key], known.kind == kind { return known }
            let new = MetricSeries(kind)
            // A name that is used for two kinds would make the text unreadable: the first one has it.
            if series[key] == nil, series.count < seriesLimit { series[key] = new }
            return new
        }
    }

    /// Everything counted so far, in Prometheus's text format.
    func text() -> String {
        var text = PrometheusText()
        let all = series.withLock { Array($0) }
        for (name, members) in Dictionary(grouping: all, by: \.key.name).sorted(by: { $0.key < $1.key }) {
            // One kind for each name, also across labels.
            guard let kind = members.min(by: { Self.order($0.key, $1.key) })?.value.kind else { continue }
            let readings = members.filter { $0.value.kind == kind }.sorted { Self.order($0.key, $1.key) }
                .map { ($0.key.labels, $0.value.current) }
            text.add(name, kind, readings)
        }
        return text.text
    }

    private static func order(_ left: Key, _ right: Key) -> Bool {
        left.labels.map { "\($0.name)\u{0}\($0.value)" }.lexicographicallyPrecedes(
            right.labels.map { "\($0.name)\u{0}\($0.value)" })
    }
}
