import ArgumentParser

struct LuaBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "lua")

    func run() async throws {
    }
}
