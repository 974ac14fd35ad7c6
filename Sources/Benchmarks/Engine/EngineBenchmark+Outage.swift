import DurableExecution
import Foundation
import Histogram

/// What an upstream that does not answer costs those who don't need it, and many waits that end at once.
extension EngineBenchmark {
    /// An event of an unrelated conversation, with and without conversations that wait for an upstream.
    func measureOutage(_ folder: EngineScene.Folder) async throws {
        for count in [0, postponed] {
            let handler = EngineScene.Handler(
                commands: [EngineScene.plainTag], downFor: "needy")
            let engine = EngineScene.engine(try SQLiteStore(path: folder.database("outage \(count)")), handler)
            try await EngineScene.running(engine) { engine in
                for start in stride(from: 0, to: count, by: 1000) {
                    let events = (start..<min(start + 1000, count)).map {
                        EngineScene.event("n\($0)", queue: $0, kind: "needy")
                    }
                    _ = try await engine.accept(events)
                }
                await engine.idle()
                try await measureUnrelated(engine, beside: count)
            }
        }
    }

    private func measureUnrelated(_ engine: Engine, beside count: Int) async throws {
        var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        for index in 0..<300 {
            let time = try await EngineScene.time {
                _ = try await engine.accept([EngineScene.event("u\(index)", queue: 1_000_000 + index)])
                await engine.idle()
            }
            histogram.record(UInt64(max(time / .microseconds(1), 1)))
        }
        report(
            "an event beside \(count) conversations that wait for an upstream",
            milliseconds(.microseconds(Int64(histogram.valueAtPercentile(50)))),
            "99 of 100 within \(milliseconds(.microseconds(Int64(histogram.valueAtPercentile(99)))))")
    }

    /// Waits whose time ends together.
    func measureDueWaits(_ folder: EngineScene.Folder) async throws {
        let wait = Command(
            name: "wait_reply", input: Data("{}".utf8),
            effect: .wait(Wait(queue: "answers", timeout: .seconds(15), purpose: "a reply")))
        let handler = EngineScene.Handler(commands: [wait, EngineScene.plainTag])
        let engine = EngineScene.engine(try SQLiteStore(path: folder.database("due")), handler)
        try await EngineScene.running(engine) { engine in
            let events = (0..<postponed).map { EngineScene.event("d\($0)", queue: $0) }
            _ = try await engine.accept(events)
            await engine.idle()
            var filter = InvocationFilter()
            filter.states = [.waiting]
            filter.limit = 1
            let last = try await engine.invocations(filter).first?.nextAttemptAt ?? Date()
            try await Task.sleep(for: .seconds(max(last.timeIntervalSinceNow, 0)))
            let time = await EngineScene.time { await engine.idle() }
            report(
                "\(postponed) waits due within moments, after the last of them", milliseconds(time),
                perSecond(rate(postponed, in: time)))
        }
    }

    /// Sleeps that are cancelled at once, as the deadline of each command is.
    func measureDeadlines() async throws {
        let count = 200_000
        let before = EngineScene.residentBytes()
        for _ in 0..<count {
            let task = Task { try? await Task.sleep(for: .seconds(60)) }
            await Task.yield()
            task.cancel()
            await task.value
        }
        let bytes = max(EngineScene.residentBytes() - before, 0)
        report(
            "memory kept by \(count) cancelled sleeps of a minute", "\(bytes >> 20) MB", "\(bytes / count) bytes each")
    }
}
