import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

/// What one run may keep.
@Suite(.timeLimit(.minutes(1))) struct EngineQuotaTests {
    @Test func `a run whose journal grows too large fails, and the handler is told`() async throws {
        var bench = try EngineBench()
        bench.configuration.quotas.journalBytes = 2000
        bench.handler.performing = { _, _ in Data(repeating: 32, count: 600) }
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(.read("again"))) }
        try await bench.process(bench.event("a"))
        let failure = try #require(try await bench.invocation()?.failure)
        expectNoDifference(failure.code, "journal_full")
        #expect(failure.message.contains("limits.journal"))
        expectNoDifference(bench.handler.performed.count, 4)
        expectNoDifference(bench.handler.stoppedRuns, ["rule: journal_full"])
    }

    @Test func `what is too large for the journal is not written, and not done`() async throws {
        var bench = try EngineBench()
        bench.configuration.quotas.journalBytes = 2000
        let large = Command(name: "send", input: Data(repeating: 32, count: 2001), effect: .once)
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(large)) }
        try await bench.process(bench.event("a"))
        expectNoDifference(bench.handler.performedNames, [])
        try await expectSame(bench.journal(), [])
    }

    @Test func `too many commands are told to the handler as well`() async throws {
        var bench = try EngineBench()
        bench.configuration.commandLimit = 3
        bench.handler.scripts["rule"] = { _ in ProgramStep(next: .command(.read("again"))) }
        try await bench.process(bench.event("a"))
        expectNoDifference(bench.handler.stoppedRuns, ["rule: too_many_commands"])
    }

    @Test(arguments: [(5, 1000, "limits.log_lines"), (1000, 50, "limits.log_bytes")])
    func `a run's log ends at its limit, with a line that says so, over replays too`(
        _ lines: Int, _ bytes: Int, _ setting: String
    ) async throws {
        var bench = try EngineBench()
        bench.configuration.quotas.logLines = lines
        bench.configuration.quotas.logBytes = bytes
        let line = LogLine(level: "info", message: "ten bytes.")
        bench.handler.scripts["rule"] = { inputs in
            guard inputs.count < 10 else { return ProgramStep(logs: [line], next: .finished(nil)) }
            return ProgramStep(logs: [line], next: .command(.wait(.seconds(1), queue: nil)))
        }
        try await bench.run { [bench] engine in
            _ = try await engine.accept([bench.event("a")])
            await engine.idle()
            for _ in 0..<10 {
                bench.clock.advance(by: .seconds(1))
                await engine.idle()
            }
        }
        try await expectSame(bench.invocation()?.state, .finished)
        let logged = try await bench.store.logs(of: InvocationID(event: 1, place: 0).text).map(\.line.message)
        expectNoDifference(logged.dropLast(), ArraySlice(repeating: "ten bytes.", count: 5))
        #expect(logged.last?.contains(setting) == true)
    }

    @Test func `log lines that wait for a commit are bounded in bytes`() async throws {
        var bench = try EngineBench()
        bench.configuration.unwrittenByteLimit = 1000
        let line = LogLine(level: "info", message: String(repeating: "x", count: 600))
        bench.handler.scripts["rule"] = { inputs in
            guard inputs.count < 4 else { return ProgramStep(next: .finished(nil)) }
            return ProgramStep(logs: [line], next: .command(.read("read")))
        }
        let written = Mutex<[Int]>([])
        bench.handler.performing = { [store = bench.store] _, _ in
            let count = try await store.logs(of: InvocationID(event: 1, place: 0).text).count
            written.withLock { $0.append(count) }
            return Data("1".utf8)
        }
        try await bench.process(bench.event("a"))
        expectNoDifference(written.withLock { $0 }, [0, 0, 2, 2])
    }
}
