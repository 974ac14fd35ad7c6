/// Writes metrics as Prometheus reads them, text format 0.0.4.
///
/// Source: Prometheus docs, Exposition formats.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// What the numbers mean, for those that a person may look at.
    private static let help = [
        "tidewire_engine_events_accepted": "Events kept on disk.",
        "tidewire_engine_events_duplicate": "Events that were there already.",
        "tidewire_engine_invocations": "Runs of rules that came to rest, by state.",
        "tidewire_engine_event_duration": "Seconds from an event's acceptance to the end of the rules it started.",
        "tidewire_engine_commit_batch_size": "Writes that shared one transaction.",
        "tidewire_webhook_deliveries": "Deliveries of the webhook, by answer.",
        "tidewire_poll_failures": "Looks at the API that failed, by code.",
        "tidewire_gateway_delivery_attempts": "Webhook deliveries that the gateway tried, by outcome.",
        "tidewire_events": "Events in the inbox that are not done, by state.",
        "tidewire_runs": "Runs of rules that are not over, by state.",
    ]

    mutating func add(
        _ label: String, _ kind: MetricSeries.Kind, _ series: [([MetricRegistry.Label], MetricSeries.Reading)]
    ) {
        let name = Self.name(label, kind)
        if let help = Self.help[label] { text += "# HELP \(name) \(help)\n" }
        text += "# TYPE \(name) \(Self.word(kind))\n"
        for (labels, reading) in series {
            switch kind {
            case .counter, .gauge: line(name, labels, reading.value)
            case .histogram(let bounds): histogram(name, labels, bounds, reading)
            }
        }
    }

    private mutating func histogram(
        _ name: String, _ labels: [MetricRegistry.Label], _ bounds: [Double], _ reading: MetricSeries.Reading
    ) {
        var total: Int64 = 0
        for (bound, count) in zip(bounds.map(Self.number) + ["+Inf"], reading.buckets) {
            total += count
            line(name + "_bucket", labels + [.init(name: "le", value: bound)], Double(total))
        }
        line(name + "_sum", labels, reading.value)
        line(name + "_count", labels, Double(total))
    }

    private mutating func line(_ name: String, _ labels: [MetricRegistry.Label], _ value: Double) {
        let pairs = labels.map { "\(Self.safe($0.name))=\"\(Self.escaped($0.value))\"" }
        text += name + (pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}") + " \(Self.number(value))\n"
    }

    private static func name(_ label: String, _ kind: MetricSeries.Kind) -> String {
        let name = safe(label)
        return kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
    }

    private static func word(_ kind: MetricSeries.Kind) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }

    /// Names are ASCII letters, digits and underscores, and begin with none of the digits.
    private static func safe(_ name: String) -> String {
        let safe = String(
            name.unicodeScalars.map {
                $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0) ? Character($0) : "_"
            })
        return safe.first?.isNumber ?? true ? "_" + safe : safe
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : String(value)
    }
}
