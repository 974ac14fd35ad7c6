import AgentPhoneClient
import AsyncHTTPClient
import BoundedListener
import ConversationGateway
import Conversations
import DurableExecution
import Foundation
import Logging
import Rules
import ServiceLifecycle

/// Gateway, host and watcher in one process.
///
/// They start one after the other, since each needs the other's address: the gateway listens, the host is put together
/// with that as its API, and the webhook is set last, once somebody receives.
struct DevServer: Sendable {
    let configuration: TidewireConfiguration
    let makesSample: Bool
    let options: StartOptions
    let logger = Logger(label: "tidewire")

    func run() async throws {
        let state = try StateDirectory.prepare(at: configuration.stateDirectory)
        let lock = try state.lock(command: "tidewire dev")
        defer { lock.release() }
        let keys = try StateKeys.prepare(in: state, holding: lock)
        let gateway = try Gateway(
            try configuration.gateway.settings(in: state, keys: keys, isDev: true, listener: configuration.listeners),
            logger: logger.forServers)
        try await withHTTPClient { client in
            let serving = ServiceGroup(services: [gateway], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await serving.run() }
                _ = try await gateway.boundPort
                group.addTask {
                    // Asked to stop, also where the host fails: it would serve on where its task is only cancelled.
                    let result = await Result { try await host(gateway, keys, state, client) }
                    await serving.triggerGracefulShutdown()
                    try result.get()
                }
                try await group.waitForAll()
            }
        }
    }

    private func host(
        _ gateway: Gateway, _ keys: StateKeys, _ state: StateDirectory, _ client: HTTPClient
    ) async throws {
        let url = gateway.localURL
        let api = AgentPhoneClient(
            try AgentPhoneConfiguration(baseURL: url, apiKey: keys.apiKey, timeout: configuration.api.timeout),
            httpClient: client, clock: DeadlineClock(ContinuousClock()))
        let assembly = try HostAssembly(
            configuration, in: state, api: api, client: client, allowsPrivateMedia: true, observer: LiveLines(),
            logger: logger, report: { ReloadLines.write($0, $1) })
        // Deliveries that waited while nothing ran are signed with the webhook's secret as it is.
        if let webhook = try await gateway.webhook() { assembly.secrets.add(webhook.secret) }
        let admin = AdminServer(
            socket: try state.adminSocket(),
            status: { await assembly.status(mode: "dev", gateway: url, api: url) },
            reloader: assembly.reloader, host: assembly.control, monitor: assembly.monitor)
        let sample = makesSample ? try await gateway.phones.seedSample() : nil
        let introduction = DevIntroduction(
            assembly: assembly, api: api, gatewayURL: url, state: state, sample: sample)
        try await assembly.start(options)
        try await assembly.run(with: [admin.application(logger: logger), introduction])
    }
}

/// Runs `body` with a client of its own, which is shut down after it.
///
/// It follows no redirects: where they lead was not checked.
func withHTTPClient(_ body: (HTTPClient) async throws -> Void) async throws {
    var configuration = HTTPClient.Configuration.singletonConfiguration
    configuration.redirectConfiguration = .disallow
    // Nobody listens: that is the answer, and whoever asked decides about asking again.
    configuration.connectionPool.retryConnectionEstablishment = false
    // As many as an upstream's breaker lets through, so that no call waits for a connection while its time runs.
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = BreakerPolicy().callLimit
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
        try await body(client)
    } catch {
        try? await client.shutdown()
        throw error
    }
    try await client.shutdown()
}

extension TidewireConfiguration.Gateway {
    /// The gateway's own configuration.
    ///
    /// - Parameter isDev: Whether it is for trying things out: webhooks may stay on this machine, and nothing is limited
    ///   unless the settings say so.
    func settings(
        in state: StateDirectory, keys: StateKeys, isDev: Bool, listener: ListenerLimits
    ) throws -> GatewayConfiguration {
        let configured = try apiKeys.map { secret throws(ConfigurationError) in try secret.reveal() }
        return GatewayConfiguration(
            directory: URL(filePath: state.path, directoryHint: .isDirectory), host: listen.host, port: listen.port,
            baseURL: baseURL, apiKeys: [keys.apiKey] + configured, simulationToken: keys.simulationToken,
            retryDelays: retryDelays, webhookMessageIDs: webhookMessageIDs,
            allowsLocalWebhooks: isDev || localWebhooks, number: number, numberSupportsIMessage: numberIMessage,
            mediaByteLimit: mediaLimit, rateLimits: (rateLimits ?? (isDev ? [] : [.documented])).limits,
            sendCaps: caps, deliveryRetention: deliveryRetention, listener: listener)
    }
}

extension HostAssembly {
    /// Where monitoring is served; nil where it isn't. Waits until somebody listens.
    var monitorURL: String? {
        get async {
            guard let listen = configuration.monitorListen else { return nil }
            return "http://\(ListenAddress(host: listen.host, port: await monitorPort.value))"
        }
    }

    /// Where webhooks are received; nil where they aren't. Waits until somebody listens.
    var webhookURL: String? {
        get async {
            guard configuration.source.listensForWebhooks else { return nil }
            let address = ListenAddress(host: configuration.webhook.listen.host, port: await webhookPort.value)
            return "http://\(address)\(configuration.webhook.path)"
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
