import AgentPhoneClient
import ArgumentParser
import AsyncHTTPClient
import ConversationGateway
import Conversations
import Foundation
import Logging
import Packs
import Rules
import ServiceLifecycle

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run gateway, host and watcher in one process, with no account.",
        discussion: """
            Rules run against the local gateway, over real loopback HTTP with signed webhooks. Save a rule, and the \
            next event is treated the new way. Without packs named here or in the configuration, examples/photos is \
            run, if there is one.
            """)

    @OptionGroup var packArguments: PackArguments
    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Make a conversation to try requests on, and print them.")
    var sample = false

    func run() async throws {
        try await reportingErrors {
            var configuration = try shared.load(overrides: packArguments.overrides)
            if configuration.packs.isEmpty { configuration.packs = try Self.examplePacks() }
            configuration.log.bootstrap()
            ignoreBrokenPipes()
            try await DevServer(configuration: configuration, makesSample: sample).run()
        }
    }

    private static func examplePacks() throws -> [String] {
        let folder = URL(filePath: "examples/photos", directoryHint: .isDirectory).standardizedFileURL.path
        guard FileManager.default.fileExists(atPath: folder) else {
            throw CommandError(
                ExitStatus.usage,
                "no pack is named: give a pack's folder, such as `tidewire dev mypack`, or `packs:` in tidewire.yaml")
        }
        return [folder]
    }
}
