import Foundation
import Testing

/// The engine under a seeded scheduler, with kills, lost answers, refusals and late turns.
///
/// `TIDEWIRE_SIMULATION_SEEDS` sets how many seeds are tried; `TIDEWIRE_SIMULATION_SEED` replays one.
@Suite(.timeLimit(.minutes(10)), .serialized) struct SimulationTests {
    static let environment = ProcessInfo.processInfo.environment
    static let seeds: Range<UInt64> = {
        if let seed = environment["TIDEWIRE_SIMULATION_SEED"].flatMap(UInt64.init) { return seed..<seed + 1 }
        return 1..<(environment["TIDEWIRE_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 2000) + 1
    }()

    @Test func `the promises hold for every seed`() async {
        for seed in Self.seeds {
            let violations = await Simulation(seed: seed).run()
            #expect(violations.isEmpty, "seed \(seed): \(violations)")
            if !violations.isEmpty { break }
        }
    }

    @Test(arguments: MemoryStore.Fault.allCases)
    func `a planted fault is found`(_ fault: MemoryStore.Fault) async {
        for seed in UInt64(1)...2000 {
            if await !Simulation(seed: seed, fault: fault).run().isEmpty { return }
        }
        Issue.record("\(fault) was not found")
    }

    @Test func `the same seed makes the same run`() async throws {
        for seed in UInt64(1)...5 {
            let runs = [Simulation(seed: seed), Simulation(seed: seed)]
            var traces: [String] = []
            for run in runs {
                _ = await run.run()
                let state = try run.store.read { "\($0.events) \($0.invocations.sorted { $0.key < $1.key })" }
                traces.append(state)
            }
            #expect(traces[0] == traces[1], "seed \(seed)")
        }
    }
}
