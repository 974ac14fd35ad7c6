import DurableExecution
import Foundation
import Histogram

/// Rates: commits, events, replays.
extension EngineBenchmark {
    /// One row a commit, and as many as wait.
    func measureCommits(_ folder: EngineScene.Folder) async throws {
        let store = try SQLiteStore(path: folder.database("commits"))
        let epoch = try await store.takeOver()
        let alone = 300
        let slow = try await EngineScene.time {
            for index in 0..<alone {
                _ = try await store.accept([EngineScene.event("a\(index)", queue: index)], at: Date(), epoch: epoch)
            }
        }
        let fast = try await EngineScene.time {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<events {
                    let event = EngineScene.event("g\(index)", queue: index)
                    group.addTask { _ = try await store.accept([event], at: Date(), epoch: epoch) }
                }
                try await group.waitForAll()
            }
        }
        let (one, many) = (rate(alone, in: slow), rate(events, in: fast))
        report("events kept, one after the other", perSecond(one))
        report("events kept, all at once", perSecond(many), String(format: "%.0f times as many", many / one))
    }

    /// Events without a rule, and events with two commands each.
    func measureRates(_ folder: EngineScene.Folder) async throws {
        let plain = EngineScene.engine(
            try SQLiteStore(path: folder.database("plain")), EngineScene.Handler(commands: nil))
        let acceptance = try await EngineScene.running(plain) { engine in
            let time = try await EngineScene.time {
                try await EngineScene.accept(events, by: engine, queues: 1000)
            }
            await engine.idle()
            return time
        }
        let photos = EngineScene.engine(
            try SQLiteStore(path: folder.database("photos")),
            EngineScene.Handler(commands: [EngineScene.react, EngineScene.tag]), parallelism: parallelism)
        let all = try await EngineScene.running(photos) { engine in
            try await EngineScene.time {
                try await EngineScene.accept(events, by: engine, queues: 1000)
                await engine.idle()
            }
        }
        let (accepted, completed) = (rate(events, in: acceptance), rate(events, in: all))
        report("events accepted while running, no rule matching", perSecond(accepted))
        report(
            "events completed, two commands each", perSecond(completed),
            String(format: "%.2f of those accepted", completed / accepted))
    }

    /// Invocations with long journals, taken up again.
    func measureReplay(_ folder: EngineScene.Folder) async throws {
        let store = try SQLiteStore(path: folder.database("replay"))
        let sleep = Command(
            name: "sleep", input: Data("{}".utf8),
            effect: .wait(Wait(queue: nil, timeout: .seconds(3600), purpose: "1 h")))
        let commands = Array(repeating: EngineScene.tag, count: commands) + [sleep]
        let engine = EngineScene.engine(store, EngineScene.Handler(commands: commands))
        let runs = 20
        try await EngineScene.running(engine) { engine in
            for index in 0..<runs { _ = try await engine.accept([EngineScene.event("e\(index)", queue: index)]) }
            await engine.idle()
            let ids = try await engine.invocations().map(\.id)
            let time = try await EngineScene.time {
                for id in ids {
                    try await engine.wake(id)
                    await engine.idle()
                }
            }
            report(
                "invocation with \(commands.count) commands woken and ended", milliseconds(time / runs),
                String(format: "%.1f µs a command", time / .microseconds(1) / Double(runs * commands.count)))
        }
    }
}
