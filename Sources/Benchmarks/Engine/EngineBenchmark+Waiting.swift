import DurableExecution
import Foundation
import Histogram

/// Many invocations that wait, and a restart with much to do.
extension EngineBenchmark {
    func measureWaiting(_ folder: EngineScene.Folder) async throws {
        let wait = Command(
            name: "wait_reply", input: Data("{}".utf8),
            effect: .wait(Wait(queue: "answers", timeout: .seconds(7200), purpose: "a reply")))
        let store = try SQLiteStore(path: folder.database("waiting"))
        let engine = EngineScene.engine(store, EngineScene.Handler(commands: [wait, EngineScene.tag]))
        try await EngineScene.running(engine) { engine in
            try await EngineScene.accept(1000, by: engine, queues: 1000)
            for index in 0..<waiting / 1000 {
                _ = try await engine.accept((0..<1000).map { EngineScene.event("w\(index).\($0)", queue: $0) })
            }
            await engine.idle()
            try await measureWaking(engine)
        }
        try await EngineScene.running(
            EngineScene.engine(try SQLiteStore(path: folder.database("empty")), EngineScene.Handler(commands: nil))
        ) { await $0.idle() }
        let bytes = try residentBytes(on: folder.database("waiting")) - residentBytes(on: folder.database("empty"))
        report(
            "memory for \(waiting) waiting invocations", "\(max(bytes, 0) >> 20) MB",
            "\(max(bytes, 0) / waiting) bytes each; goal: under 50 MB for 100,000")
    }

    /// The memory of a process of its own that runs an engine on the database until nothing more can run.
    private func residentBytes(on database: String) throws -> Int {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["engine", "--resident", database]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let bytes = Int(text) else { throw CocoaError(.fileReadCorruptFile) }
        return bytes
    }

    /// Runs an engine until nothing more can run, and prints how much memory this process then has.
    func printResidentBytes(on database: String) async throws {
        let wait = EngineScene.Handler(commands: [EngineScene.tag])
        try await EngineScene.running(EngineScene.engine(try SQLiteStore(path: database), wait)) { engine in
            await engine.idle()
            print(EngineScene.residentBytes())
        }
    }

    /// From the call that wakes an invocation until its next command has ended.
    private func measureWaking(_ engine: Engine) async throws {
        var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        var filter = InvocationFilter()
        filter.states = [.waiting]
        filter.limit = 200
        for invocation in try await engine.invocations(filter) {
            let time = try await EngineScene.time {
                try await engine.wake(invocation.id)
                await engine.idle()
            }
            histogram.record(UInt64(max(time / .microseconds(1), 1)))
        }
        report(
            "one of them woken and ended", milliseconds(.microseconds(Int64(histogram.valueAtPercentile(50)))),
            "99 of 100 within \(milliseconds(.microseconds(Int64(histogram.valueAtPercentile(99))))); goal: under 5 ms")
    }

    func measureRestart(_ folder: EngineScene.Folder) async throws {
        let path = folder.database("restart")
        do {
            let first = EngineScene.engine(try SQLiteStore(path: path), EngineScene.Handler(commands: nil))
            for index in 0..<waiting / 1000 {
                _ = try await first.accept((0..<1000).map { EngineScene.event("p\(index).\($0)", queue: $0) })
            }
        }
        let clock = ContinuousClock()
        let start = clock.now
        let handler = EngineScene.Handler(commands: [EngineScene.react, EngineScene.tag])
        let second = EngineScene.engine(try SQLiteStore(path: path), handler)
        try await EngineScene.running(second) { engine in
            _ = try await engine.accept([EngineScene.event("late", queue: 0)])
            report(
                "restart with \(waiting) pending, until one more is accepted", milliseconds(clock.now - start),
                "goal: within 2 s")
            await engine.idle()
            report("and until all of them are done", milliseconds(clock.now - start))
        }
    }
}
