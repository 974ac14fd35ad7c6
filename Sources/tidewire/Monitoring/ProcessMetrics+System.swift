import Foundation
import Metrics

/// What Prometheus's own clients tell of every process, under the same names.
///
/// Source: Prometheus docs, Writing client libraries, Process metrics.
enum ProcessMetrics {
    private static let startedAt = Date()

    /// Remembers when the process began. To be called early.
    static func start() { _ = startedAt }

    static func measure() {
        Gauge(label: "process_start_time_seconds").record(startedAt.timeIntervalSince1970)
        guard let bytes = residentBytes else { return }
        Gauge(label: "process_resident_memory_bytes").record(bytes)
    }

    /// Memory that is in RAM now, in bytes; nil where the system doesn't say.
    ///
    /// The second number of `/proc/self/statm` counts pages. Source: proc(5).
    static var residentBytes: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

extension TidewireConfiguration {
    /// Has this process log and count as configured. To be called once, at its start.
    func bootstrap() {
        log.bootstrap()
        MetricRegistry.bootstrap()
        ProcessMetrics.start()
    }
}
