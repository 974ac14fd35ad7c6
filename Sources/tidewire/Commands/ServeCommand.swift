import AgentPhoneClient
import ArgumentParser
import AsyncHTTPClient
import Foundation
import Logging
import Rules
import ServiceLifecycle

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run rules against the conversations API.",
        discussion: """
            Needs api.key and packs, and webhook.secrets unless source is poll. It never registers a webhook at the \
            provider by itself, since that would replace the one that is there and its secret.
            """)

    @OptionGroup var options: HostOptions
    @OptionGroup var shared: SharedOptions

    @Flag(name: .long, help: "Print what happens, a line for each event, rule and command.")
    var live = false

    func run() async throws {
        try await reportingErrors {
            var configuration = try shared.load(overrides: options.overrides)
            try Self.check(configuration)
            configuration.bootstrap()
            ignoreBrokenPipes()
            configuration.fitToDescriptors()
            let logger = Logger(label: "tidewire")
            let state = try StateDirectory.prepare(at: configuration.stateDirectory)
            let lock = try state.lock(command: "tidewire serve")
            defer { lock.release() }
            try await withHTTPClient { [configuration] client in
                try await serve(configuration, state, client, logger)
            }
        }
    }

    /// - Throws: ``CommandError`` naming every setting that is missing.
    private static func check(_ configuration: TidewireConfiguration) throws {
        var missing: [String] = []
        if configuration.api.key == nil { missing.append("api.key (the API's key, such as env:AGENTPHONE_API_KEY)") }
        if configuration.packs.isEmpty { missing.append("packs (folders of rule packs)") }
        if configuration.source.listensForWebhooks, configuration.webhook.secrets.isEmpty {
            missing.append("webhook.secrets (the webhook's signing secret, such as env:WEBHOOK_SECRET)")
        }
        guard !missing.isEmpty else { return }
        throw CommandError(
            ExitStatus.configuration, "these settings are missing:\n  " + missing.joined(separator: "\n  "))
    }

    private func serve(
        _ configuration: TidewireConfiguration, _ state: StateDirectory, _ client: HTTPClient, _ logger: Logger
    ) async throws {
        let api = AgentPhoneClient(
            try AgentPhoneConfiguration(
                baseURL: configuration.api.baseURL, apiKey: configuration.api.key?.reveal() ?? "",
                timeout: configuration.api.timeout),
            httpClient: client, clock: DeadlineClock(ContinuousClock()))
        let assembly = try HostAssembly(
            configuration, in: state, api: api, client: client, allowsPrivateMedia: false,
            observer: live ? LiveLines() : nil, logger: logger, report: { ReloadLines.write($0, $1) })
        try await assembly.start(options.start)
        let admin = AdminServer(
            socket: try state.adminSocket(),
            status: { await assembly.status(mode: "serve", gateway: nil, api: configuration.api.baseURL) },
            reloader: assembly.reloader, host: assembly.control, monitor: assembly.monitor)
        try await assembly.run(
            with: [admin.application(logger: logger), ServeIntroduction(assembly: assembly)])
    }
}

/// Says what is up, once it is.
private struct ServeIntroduction: Service {
    let assembly: HostAssembly

    func run() async throws {
        Terminal.line("Tidewire \(Tidewire.version) runs rules against \(assembly.configuration.api.baseURL).")
        if assembly.configuration.isDryRun { Terminal.line("  dry run   nothing is sent or changed") }
        if let url = await assembly.webhookURL { Terminal.line("  webhooks  \(url)") }
        if let url = await assembly.monitorURL { Terminal.line("  monitor   \(url)/metrics") }
        if assembly.configuration.source.polls {
            Terminal.line("  polling   every \(DurationText.format(assembly.configuration.poll.interval))")
        }
        try? await gracefulShutdown()
    }
}
