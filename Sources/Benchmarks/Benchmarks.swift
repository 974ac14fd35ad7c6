import ArgumentParser

/// Measures Tidewire beside its peers, in one run, and prints ratios: `scripts/bench lua`.
@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures Tidewire beside its peers, both sides in one run.",
        subcommands: [
            LuaBenchmark.self, GatewayBenchmark.self, EngineBenchmark.self, UpkeepBenchmark.self, RulesBenchmark.self,
        ])
}
