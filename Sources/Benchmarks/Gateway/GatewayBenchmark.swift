import ArgumentParser

struct GatewayBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "gateway")

    func run() async throws {
    }
}
