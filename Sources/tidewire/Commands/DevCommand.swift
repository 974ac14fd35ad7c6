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

    @OptionGroup var options: HostOptions
    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Make a conversation to try requests on, and print them.")
    var sample = false

    func run() async throws {
        try await reportingErrors {
            var configuration = try shared.load(overrides: options.overrides)
            if configuration.packs.isEmpty { configuration.packs = try Self.examplePacks() }
            if configuration.gateway.retryDelays == TidewireConfiguration().gateway.retryDelays {
                configuration.gateway.retryDelays = Self.retryDelays
            }
            configuration.bootstrap()
            ignoreBrokenPipes()
            configuration.fitToDescriptors()
            try await DevServer(configuration: configuration, makesSample: sample, options: options.start).run()
        }
    }

    /// Unless the configuration has others: a host that was down for a moment gets its webhooks at once, not in five
    /// minutes.
    private static let retryDelays: [Duration] = [1, 2, 5, 15, 60, 300, 1800, 7200].map { .seconds($0) }

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
