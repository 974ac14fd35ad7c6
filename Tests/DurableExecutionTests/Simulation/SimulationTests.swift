import Foundation
import TestSupport
import Testing

@testable import DurableExecution

/// The engine under a seeded scheduler, in several lives: kills at every point, graceful stops, outages, lost answers,
/// steps of the clock, stores that fail, and people who pause, cancel, retry, forget and decide at random.
///
/// `TIDEWIRE_SIMULATION_SEEDS` sets how many seeds are tried, from `TIDEWIRE_SIMULATION_FIRST` (1) on. A seed that breaks
/// a promise prints how to run it again:
///
///     SWIFT_DETERMINISTIC_HASHING=1 TIDEWIRE_SIMULATION_SEED=17 scripts/test --filter SimulationTests
@Suite(.timeLimit(.minutes(15)), .serialized) struct SimulationTests {
    struct Broken: Sendable, CustomStringConvertible {
        var seed: UInt64
        var scenery: Scenery
        var violations: [String]

        var description: String {
            """
            seed \(seed) (\(scenery)): \(violations.prefix(5).joined(separator: "; "))
            SWIFT_DETERMINISTIC_HASHING=1 TIDEWIRE_SIMULATION_SEED=\(seed) scripts/test --filter SimulationTests
            """
        }
    }

    static let seeds = SeedSearch.seeds("TIDEWIRE_SIMULATION", usually: 5000)

    private func broken(
        _ limit: Int, of seeds: Range<UInt64>, fault: SimulatedFault? = nil
    ) async throws -> [Broken] {
        try await SeedSearch.findings(limit, in: seeds) { seed in
            let simulation = try Simulation(seed: seed, fault: fault)
            let violations = await simulation.run()
            guard !violations.isEmpty else { return nil }
            return Broken(seed: seed, scenery: simulation.scenery, violations: violations)
        }
    }

    @Test func `the promises hold for every seed`() async throws {
        for one in try await broken(5, of: Self.seeds) { Issue.record("\(one)") }
    }

    @Test(.enabled(if: seeds.count > 1), arguments: SimulatedFault.all)
    func `a planted fault is found`(_ fault: SimulatedFault) async throws {
        let found = try await broken(1, of: 1..<2001, fault: fault)
        #expect(!found.isEmpty, "\(fault.testDescription) was not found")
    }

    @Test(arguments: [Scenery.Disk.memory, .sqlite, .file])
    func `the same seed makes the same run`(_ disk: Scenery.Disk) async throws {
        for seed in UInt64(1)...5 {
            let runs = [try Simulation(seed: seed, on: disk), try Simulation(seed: seed, on: disk)]
            var traces: [String] = []
            for run in runs {
                _ = await run.run()
                traces.append("\(await run.events()) \(await run.invocations())")
            }
            #expect(traces[0] == traces[1], "seed \(seed)")
        }
    }
}
