import ArgumentParser
import ConversationGateway
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Run the local conversations API alone, for any client.",
        discussion: """
            The same API as AgentPhone's, persistent, with simulated phones under /sim. The key for /v1 and the token \
            for /sim are in keys.json in the state directory.
            """)

    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Make a conversation to try requests on, and print them.")
    var sample = false

    @Flag(
        name: .long, inversion: .prefixedNo,
        help: "Whether webhooks may be http and lead to this machine or its network. [setting: gateway.local_webhooks]")
    var localWebhooks: Bool?

    func run() async throws {
        try await reportingErrors {
            let overrides = localWebhooks.map { ["gateway.local_webhooks": "\($0)"] } ?? [:]
            var configuration = try shared.load(overrides: overrides)
            configuration.bootstrap()
            ignoreBrokenPipes()
            configuration.fitToDescriptors()
            let logger = Logger(label: "tidewire")
            let state = try StateDirectory.prepare(at: configuration.stateDirectory)
            let lock = try state.lock(command: "tidewire gateway")
            defer { lock.release() }
            let keys = try StateKeys.prepare(in: state, holding: lock)
            let gateway = try Gateway(
                try configuration.gateway.settings(
                    in: state, keys: keys, isDev: false, listener: configuration.listeners),
                logger: logger.forServers)
            let introduction = GatewayIntroduction(
                gateway: gateway, state: state, makesSample: sample)
            let admin = AdminServer(
                socket: try state.adminSocket(), status: { await introduction.status }, reloader: nil, host: nil)
            try await ServiceGroup(
                services: [gateway, admin.application(logger: logger), introduction],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
            ).run()
        }
    }
}

/// Says where the gateway is, once it listens.
private struct GatewayIntroduction: Service {
    let gateway: Gateway
    let state: StateDirectory
    let makesSample: Bool

    func run() async throws {
        // The gateway itself ends the process where it can't listen.
        guard let url = await url else { return }
        Terminal.line("The gateway serves \(url) (API key in \(state.path)/keys.json).")
        if makesSample {
            let sample = try await gateway.phones.seedSample()
            for line in SampleRequests(sample: sample, url: url, state: state).lines { Terminal.line(line) }
        }
        try? await gracefulShutdown()
    }

    var status: AdminStatus {
        get async {
            AdminStatus(
                version: Tidewire.version, process: ProcessInfo.processInfo.processIdentifier, mode: "gateway",
                gateway: await url, webhook: nil, monitor: nil, api: nil, packs: [], deliveries: [:])
        }
    }

    private var url: String? {
        get async {
            guard (try? await gateway.boundPort) != nil else { return nil }
            return gateway.localURL
        }
    }
}
