import CustomDump
import TestSupport
import Testing

/// Rules, policy and metadata above the engine, in several lives, against an API with faults.
///
/// `TIDEWIRE_RULE_SIMULATION_SEEDS` sets how many seeds are tried; a seed that breaks a promise prints how to run it again:
///
///     SWIFT_DETERMINISTIC_HASHING=1 TIDEWIRE_RULE_SIMULATION_SEED=17 scripts/test --filter RuleSimulationTests
///
/// That also prints what happened. The same seed is the same run; the first variable keeps what follows the order of a
/// dictionary the same in all processes.
@Suite(.timeLimit(.minutes(10)), .serialized) struct RuleSimulationTests {
    static let seeds = SeedSearch.seeds("TIDEWIRE_RULE_SIMULATION", usually: 150)

    private func broken(_ limit: Int, of seeds: Range<UInt64>, fault: RuleFault? = nil) async throws -> [String] {
        try await SeedSearch.findings(limit, in: seeds) { seed in
            let simulation = try RuleSimulation(seed: seed, fault: fault)
            let violations = try await simulation.run()
            if seeds.count == 1 { print(simulation.story.joined(separator: "\n")) }
            guard !violations.isEmpty else { return nil }
            let replay =
                "SWIFT_DETERMINISTIC_HASHING=1 TIDEWIRE_RULE_SIMULATION_SEED=\(seed) scripts/test --filter RuleSimulationTests"
            return "seed \(seed): \(violations.prefix(5).joined(separator: "; "))\n\(replay)"
        }
    }

    @Test func `the promises hold for every seed`() async throws {
        for one in try await broken(5, of: Self.seeds) { Issue.record("\(one)") }
    }

    @Test func `a seed is the same run every time`() async throws {
        for seed: UInt64 in 1..<6 {
            var stories: [[String]] = []
            for _ in 0..<2 {
                let simulation = try RuleSimulation(seed: seed)
                _ = try await simulation.run()
                stories.append(simulation.story)
            }
            expectNoDifference(stories[0], stories[1])
        }
    }

    @Test(.enabled(if: seeds.count > 1), arguments: RuleFault.allCases)
    func `a planted fault is found`(_ fault: RuleFault) async throws {
        let found = try await broken(1, of: 1..<301, fault: fault)
        #expect(!found.isEmpty, "\(fault) was not found")
    }
}
