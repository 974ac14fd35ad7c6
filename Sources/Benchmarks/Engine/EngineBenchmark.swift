import ArgumentParser

struct EngineBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "engine")

    func run() async throws {
    }
}
