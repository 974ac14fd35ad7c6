import ArgumentParser
import DurableExecution
import Foundation
import Histogram

/// Measures what upkeep of a large database costs those who write meanwhile.
struct UpkeepBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upkeep",
        abstract: "Measures how long writes wait while a large database is pruned, tidied and searched.",
        discussion: """
            Makes a database of events over 40 days, each with a run, two commands and two identities, and then deletes \
            what is older than 30 days while small events are accepted one after the other.
            """)

    @Option(help: "Events in the database; a million takes about 1.5 GB.")
    var events = 1_000_000

    @Option(help: "Where the database is made; on the disk to be measured, not in memory.")
    var folder = FileManager.default.temporaryDirectory.path

    @Option(help: "Seconds that each part is measured for at most.")
    var seconds = 60

    func validate() throws {
        guard events > 0, seconds > 0 else { throw ValidationError("counts have to be above 0") }
    }

    func run() async throws {
        let bench = try EngineScene.Folder(in: folder)
        defer { bench.remove() }
        let path = bench.database("large")
        let filling = try await EngineScene.time { try LargeDatabase.make(at: path, events: events) }
        print("\(events) events written in \(Int(filling / .seconds(1))) s, \(bytes(path) >> 20) MB")
        var store: SQLiteStore?
        let opening = try await EngineScene.time { store = try SQLiteStore(path: path) }
        guard let store else { return }
        report("opened", opening)
        let engine = EngineScene.engine(store, EngineScene.Handler(commands: nil))
        try await EngineScene.running(engine) { engine in
            let start = await EngineScene.time { await engine.idle() }
            report("started, until there is nothing left to do", start)
            try await measureLists(engine)
            try await measure("writes alone", engine) { try await Task.sleep(for: .seconds(10)) }
            try await measure("writes while old events are deleted", engine) {
                print("  \(try await engine.prune()) deleted")
            }
            try await measure("writes while pages are given back", engine) { try await store.tidy() }
            try await measure("writes while 1 of 1000 conversations is forgotten", engine) {
                print("  \(try await engine.forget(queues: ["conv_7"]))")
            }
        }
        print("the file has \(bytes(path) >> 20) MB at the end")
    }

    private func measureLists(_ engine: Engine) async throws {
        for state in [EventState.failed, .quarantined] {
            var filter = EventFilter()
            filter.states = [state]
            let time = try await EngineScene.time { _ = try await engine.events(filter) }
            report("events that are \(state.rawValue)", time)
        }
        for state in [InvocationState.parked, .failed] {
            var filter = InvocationFilter()
            filter.states = [state]
            filter.queue = state == .failed ? "conv_3" : nil
            let time = try await EngineScene.time { _ = try await engine.invocations(filter) }
            report("runs that are \(state.rawValue)", time)
        }
    }

    /// Accepts events one after the other while `work` is done, and prints how long each took.
    private func measure(
        _ what: String, _ engine: Engine, _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        let limit = seconds
        let start = ContinuousClock.now
        let worker = Task { try await work() }
        let alarm = Task {
            try await Task.sleep(for: .seconds(limit))
            worker.cancel()
        }
        let writer = Task {
            var waits: [UInt64] = []
            while !Task.isCancelled {
                let event = EngineScene.event(UUID().uuidString, queue: waits.count % 1000)
                let wait = try await EngineScene.time { _ = try await engine.accept([event]) }
                waits.append(UInt64(max(wait / .microseconds(1), 1)))
            }
            return waits
        }
        try await worker.value
        alarm.cancel()
        writer.cancel()
        let time = ContinuousClock.now - start
        var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        for wait in try await writer.value { histogram.record(wait) }
        func milliseconds(_ value: UInt64) -> String { String(format: "%.1f", Double(value) / 1000) }
        print(
            """
            \(what): \(histogram.totalCount) in \(Int(time / .seconds(1))) s; half of them within \
            \(milliseconds(histogram.valueAtPercentile(50))) ms, 99 % \(milliseconds(histogram.valueAtPercentile(99))) ms, \
            the longest \(milliseconds(histogram.max)) ms
            """)
    }

    private func report(_ what: String, _ time: Duration) {
        print("\(what): \(String(format: "%.1f ms", time / .milliseconds(1)))")
    }

    private func bytes(_ path: String) -> Int {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int) ?? 0
    }
}
