import ArgumentParser
import ConversationGateway
import Foundation
import Histogram
import Logging

struct GatewayBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Measures each call of the gateway with 1,000, 100,000 and 1,000,000 messages.",
        discussion: """
            One caller over loopback HTTP, each call on a random conversation of 100 messages. Times are milliseconds, \
            and the ratios beside them those to the same call with 1,000 messages.
            """)

    private static let sizes = [1000, 100_000, 1_000_000]

    @Option(name: .long, help: "Leave out larger sizes.")
    var largest = 1_000_000

    @Option(name: .long, help: "How often each call is made at each size.")
    var calls = 500

    func run() async throws {
        print("messages   call                          p50            p99          memory MB")
        var base: [String: Measure] = [:]
        for size in Self.sizes where size <= largest {
            for measure in try await measures(size) {
                let first = base[measure.name] ?? measure
                base[measure.name] = first
                print(measure.line(size, beside: first))
            }
        }
    }

    private func measures(_ size: Int) async throws -> [Measure] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tidewire-bench-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let logger = Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() })
        let filling = GatewayFilling(messages: size)
        do {
            // Makes the database's tables.
            _ = try Gateway(Self.configuration(folder), logger: logger)
            try filling.fill(folder)
        }
        let gateway = try Gateway(Self.configuration(folder), logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gateway.run() }
            _ = try await gateway.boundPort
            let calls = GatewayCalls(base: gateway.localURL, filling: filling)
            var measures: [Measure] = []
            for call in GatewayCalls.Kind.allCases {
                for _ in 0..<50 { try await calls.make(call) }
                var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
                for _ in 0..<self.calls {
                    let start = ContinuousClock.now
                    try await calls.make(call)
                    let time = ContinuousClock.now - start
                    histogram.record(UInt64(time / .nanoseconds(1)))
                }
                measures.append(Measure(name: call.rawValue, histogram: histogram, memory: Self.residentMegabytes))
            }
            group.cancelAll()
            return measures
        }
    }

    private static func configuration(_ folder: URL) -> GatewayConfiguration {
        GatewayConfiguration(directory: folder, apiKeys: [GatewayCalls.key], simulationToken: GatewayCalls.key)
    }

    /// Of this process: gateway and caller together. Source: proc(5), `VmRSS`.
    private static var residentMegabytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) / 1024
    }
}

/// How long a call took at one size.
private struct Measure {
    var name: String
    var histogram: Histogram<UInt64>
    var memory: Int

    func line(_ size: Int, beside base: Measure) -> String {
        let columns = [
            String(size).padding(toLength: 10, withPad: " ", startingAt: 0),
            name.padding(toLength: 26, withPad: " ", startingAt: 0),
            text(50, base), text(99, base), String(format: "%9d", memory),
        ]
        return columns.joined(separator: " ")
    }

    private func text(_ percentile: Double, _ base: Measure) -> String {
        let time = Double(histogram.valueAtPercentile(percentile)) / 1e6
        let first = Double(base.histogram.valueAtPercentile(percentile)) / 1e6
        return String(format: "%7.2f (%4.2f)", time, time / first)
    }
}
