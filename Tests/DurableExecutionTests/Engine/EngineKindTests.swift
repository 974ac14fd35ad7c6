import CustomDump
import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// Dry runs stay dry and live ones live, whatever the next process is started as.
@Suite(.timeLimit(.minutes(1))) struct EngineKindTests {
    /// A bench on which messages start `rule`, which asks, waits for a reply, and thanks or chases.
    func bench(isDry: Bool, mode: StartMode = .parallel) throws -> EngineBench {
        var bench = try EngineBench(ScriptedHandler([.ask("ask"), .wait(.seconds(60)), .once("thank")]))
        bench.configuration.isDryRun = isDry
        bench.handler.matching = { event in
            Matching(starts: event.kind == "message" ? [Start(rule: "rule", version: "1", mode: mode)] : [])
        }
        return bench
    }

    @Test(arguments: [true, false])
    func `a run whose time ends under a host of the other kind is held, and goes on under its own`(isDry: Bool)
        async throws
    {
        var bench = try bench(isDry: isDry)
        try await bench.process(bench.event("a"))
        try await expectSame(bench.invocation()?.isDry, isDry)
        bench.configuration.isDryRun = !isDry
        bench.clock.advance(by: .seconds(61))
        for _ in 1...2 { try await bench.process() }
        expectNoDifference(bench.handler.performedNames, ["ask"])
        let held = try #require(try await bench.invocation())
        expectNoDifference(held.state, .held)
        expectNoDifference(
            held.reason, isDry ? "it is a dry run, and this host runs live" : "it is a live run, and this host runs dry"
        )
        bench.configuration.isDryRun = isDry
        try await bench.process()
        expectNoDifference(bench.handler.performedNames, ["ask", "thank"])
        try await expectSame(bench.invocation()?.state, .finished)
    }

    @Test(arguments: [true, false])
    func `a reply is not used up by a run of the other kind, which has it once its own host runs`(isDry: Bool)
        async throws
    {
        var bench = try bench(isDry: isDry)
        try await bench.process(bench.event("a"))
        bench.configuration.isDryRun = !isDry
        try await bench.process(bench.event("r", kind: "reply"))
        expectNoDifference(bench.handler.performedNames, ["ask"])
        #expect(!bench.observer.notices.contains { $0.hasPrefix("delivered") })
        bench.configuration.isDryRun = isDry
        try await bench.process()
        expectNoDifference(bench.handler.performedNames, ["ask", "thank"])
        try await expectSame(bench.journal()[1].outcome, Data("2".utf8))
    }

    @Test func `a run that a crash interrupted is held by a host of the other kind`() async throws {
        let bench = try bench(isDry: true)
        let epoch = try await bench.store.takeOver()
        _ = try await bench.store.accept([bench.event("a")], at: bench.clock.date, epoch: epoch)
        let invocation = Invocation(
            id: InvocationID(event: 1, place: 0).text, event: 1, queue: "q", rule: "rule", version: "1",
            createdAt: bench.clock.date, updatedAt: bench.clock.date)
        try await bench.store.write(
            [.matched(event: 1, payload: nil, starts: [invocation], refusals: [], at: bench.clock.date)], epoch: epoch)
        try await bench.process()
        #expect(bench.handler.performed.isEmpty)
        try await expectSame(bench.invocation()?.state, .held)
        try await expectSame(bench.store.event(1)?.state, .done)
    }

    @Test(arguments: [StartMode.single, .restart, .queued(limit: 5)])
    func `a run of the other kind is in nobody's way, and nobody in its`(_ mode: StartMode) async throws {
        var bench = try bench(isDry: true, mode: mode)
        try await bench.process(bench.event("a"))
        bench.configuration.isDryRun = false
        try await bench.process(bench.event("b"))
        try await expectSame(bench.invocation(1)?.state, .waiting)
        try await expectSame(bench.invocation(2)?.state, .waiting)
        try await expectSame(bench.invocation(2)?.isDry, false)
    }
}
