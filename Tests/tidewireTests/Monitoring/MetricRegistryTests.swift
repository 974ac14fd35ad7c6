import CustomDump
import Metrics
import Testing

@testable import tidewire

struct MetricRegistryTests {
    @Test func `counters of one name and labels are one series, in any order of the labels`() {
        let registry = MetricRegistry()
        registry.makeCounter(label: "deliveries", dimensions: [("reason", "ok"), ("by", "x")]).increment(by: 2)
        registry.makeCounter(label: "deliveries", dimensions: [("by", "x"), ("reason", "ok")]).increment(by: 3)
        registry.makeCounter(label: "deliveries", dimensions: []).increment(by: 1)
        expectNoDifference(
            registry.text(),
            """
            # TYPE deliveries_total counter
            deliveries_total 1
            deliveries_total{by="x",reason="ok"} 5

            """)
    }

    @Test func `a recorder that does not aggregate is a gauge, and so is a meter`() {
        let registry = MetricRegistry()
        registry.makeRecorder(label: "depth", dimensions: [], aggregate: false).record(Int64(7))
        let meter = registry.makeMeter(label: "open", dimensions: [])
        meter.set(2.5)
        meter.decrement(by: 0.5)
        expectNoDifference(registry.text(), "# TYPE depth gauge\ndepth 7\n# TYPE open gauge\nopen 2\n")
    }

    @Test func `a timer's buckets hold seconds, add up, and end without bound`() {
        let registry = MetricRegistry()
        let timer = registry.makeTimer(label: "tidewire_engine_event_duration", dimensions: [("state", "done")])
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(90_000_000_000)
        let lines = registry.text().split(separator: "\n").map(String.init)
        expectNoDifference(
            Array(lines.prefix(4)),
            [
                "# HELP tidewire_engine_event_duration Seconds from an event's acceptance to the end of the rules it started.",
                "# TYPE tidewire_engine_event_duration histogram",
                "tidewire_engine_event_duration_bucket{state=\"done\",le=\"0.001\"} 0",
                "tidewire_engine_event_duration_bucket{state=\"done\",le=\"0.0025\"} 1",
            ])
        expectNoDifference(
            Array(lines.suffix(4)),
            [
                "tidewire_engine_event_duration_bucket{state=\"done\",le=\"60\"} 1",
                "tidewire_engine_event_duration_bucket{state=\"done\",le=\"+Inf\"} 2",
                "tidewire_engine_event_duration_sum{state=\"done\"} 90.002",
                "tidewire_engine_event_duration_count{state=\"done\"} 2",
            ])
    }

    @Test func `labels are escaped and names made safe`() {
        let registry = MetricRegistry()
        registry.makeCounter(label: "9 lives", dimensions: [("was-ist", "a\"b\\c\nd")]).increment(by: 1)
        expectNoDifference(
            registry.text(), "# TYPE _9_lives_total counter\n_9_lives_total{was_ist=\"a\\\"b\\\\c\\nd\"} 1\n")
    }

    @Test func `a name used for two kinds keeps its first`() {
        let registry = MetricRegistry()
        registry.makeCounter(label: "x", dimensions: []).increment(by: 1)
        registry.makeMeter(label: "x", dimensions: []).set(5.0)
        expectNoDifference(registry.text(), "# TYPE x_total counter\nx_total 1\n")
    }

    @Test func `more series than the limit are not kept`() {
        let registry = MetricRegistry(seriesLimit: 2)
        for index in 0..<5 { registry.makeCounter(label: "c", dimensions: [("n", "\(index)")]).increment(by: 1) }
        expectNoDifference(registry.text().split(separator: "\n").count, 3)
    }
}
