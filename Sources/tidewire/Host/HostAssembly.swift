import AsyncHTTPClient
import Conversations
import DurableExecution
import Foundation
import Logging
import Packs
import Rules
import ServiceLifecycle
import Synchronization

/// The host put together: engine, rules, webhook receiver, poller and watcher.
struct HostAssembly: Sendable {
    let configuration: TidewireConfiguration
    let engine: Engine
    let book: RuleBook
    let reloader: PackReloader
    let rules: RuleHost
    let secrets: WebhookSecrets
    let webhookPort = BoundPort()
    let monitorPort = BoundPort()
    let tally = WebhookTally()
    let monitor: Monitor
    private let poller: MessagePoller
    /// Opens for webhooks, and then for rules.
    private let gates = StartGates()
    private let logger: Logger

    /// - Parameters:
    ///   - observer: Told of everything that the engine does.
    ///   - report: Told of every reload that changed something or failed.
    init(
        _ configuration: TidewireConfiguration, in state: StateDirectory, api: any ConversationAPI,
        client: HTTPClient, allowsPrivateMedia: Bool, observer: any EngineObserver, logger: Logger,
        report: @escaping @Sendable (PackFolder, ReloadOutcome) -> Void
    ) throws {
        self.configuration = configuration
        self.logger = logger
        let loader = PackLoader()
        book = RuleBook(archive: PackArchive(directory: URL(filePath: state.path(of: "packs"))))
        rules = RuleHost(
            api: api, book: book, loader: loader,
            media: MediaInspector(client: client, allowsPrivateAddresses: allowsPrivateMedia),
            configuration: try configuration.ruleHost(allowsPrivateMedia: allowsPrivateMedia),
            logger: logger)
        let store = try SQLiteStore(path: state.engineDatabase)
        let notes = try MappedCrashNotes(path: state.path(of: "running"))
        notes.noteFaults()
        engine = Engine(
            store: store, handler: rules, observer: HostObserver(rules: rules, next: observer),
            configuration: configuration.engine,
            crashNotes: notes, logger: logger)
        rules.connect(engine)
        rules.setOptOutObserver { change in
            let fields: Logger.Metadata = ["participant": "\(change.participant)", "number": "\(change.number)"]
            logger.notice(change.isOut ? "opted out" : "opted in again", metadata: fields)
        }
        monitor = Monitor(
            engine: engine, store: store, packCount: configuration.packs.count,
            activePackCount: { [book] in book.activePacks.count })
        poller = MessagePoller(
            api: api, store: engine, interval: configuration.poll.interval, lookback: configuration.poll.lookback,
            logger: logger)
        let rules = self.rules
        reloader = PackReloader(
            folders: configuration.packs.map { PackFolder(URL(filePath: $0, directoryHint: .isDirectory)) }, book: book,
            loader: loader,
            report: { folder, outcome in
                report(folder, outcome)
                if case .activated = outcome { Task { await rules.retireStates() } }
            })
        secrets = WebhookSecrets(
            try configuration.webhook.secrets.map { secret throws(ConfigurationError) in try secret.reveal() })
    }

    /// The services, in the order in which they start; they stop in the reverse order.
    func services() -> [any Service] {
        // What was missed is read first: it happened before whatever comes now.
        var services: [any Service] = [
            GatedService(gate: gates.rules, service: EngineService(engine: engine)), reloader,
        ]
        if configuration.source.listensForWebhooks {
            services.append(GatedService(gate: gates.webhooks, service: webhookServer))
        }
        if configuration.source.polls {
            let listening = configuration.source.listensForWebhooks ? webhookPort.isBound : nil
            services.append(
                PollService(
                    poller: poller, patience: configuration.poll.catchUp, gates: gates, listening: listening))
        } else {
            gates.open()
        }
        if let listen = configuration.monitorListen {
            services.append(monitor.application(listen: listen, bound: monitorPort, logger: logger))
        }
        return services
    }

    /// Reads the packs, and tells the rules how to catch up. To be called once, before the services run.
    func start() async throws -> [(folder: PackFolder, outcome: ReloadOutcome)] {
        try await poller.noteStart()
        rules.setCatchUp { [poller] conversation in try await poller.catchUp(conversation) }
        return await reloader.reload()
    }

    private var webhookServer: any Service {
        let engine = engine
        let receiver = WebhookReceiver(
            secrets: { [secrets] in secrets.all }, logger: logger, tally: tally,
            accept: { events throws(EngineError) in try await engine.accept(events) })
        return WebhookServer(
            listen: configuration.webhook.listen, path: configuration.webhook.path,
            bodyLimit: configuration.webhook.bodyLimit, receiver: receiver, monitor: monitor
        ).application(bound: webhookPort, logger: logger)
    }

    /// What people have it do, over the admin socket.
    var control: HostControl { HostControl(engine: engine, rules: rules, book: book) }

    /// Packs and rules in force, for the admin socket.
    var packs: [AdminStatus.Pack] {
        book.activePacks.map { pack in
            AdminStatus.Pack(
                name: pack.name, version: pack.pack.manifest.version, digest: pack.version,
                rules: pack.rules.map(\.name))
        }
    }
}

/// The webhook secrets in force. Those of the configuration stay; one that the gateway made may come later.
final class WebhookSecrets: Sendable {
    private let secrets: Mutex<[String]>

    init(_ secrets: [String]) {
        self.secrets = Mutex(secrets)
    }

    var all: [String] { secrets.withLock { $0 } }

    /// Forgets all of them: until one is added, deliveries are answered 503.
    func clear() {
        secrets.withLock { $0 = [] }
    }

    func add(_ secret: String) {
        secrets.withLock { secrets in
            if !secrets.contains(secret) { secrets.append(secret) }
        }
    }
}

/// Has the rules hear of events that were too old to run: a STOP among them still counts.
private struct HostObserver: EngineObserver {
    let rules: RuleHost
    let next: any EngineObserver

    func observe(_ notice: EngineNotice) {
        next.observe(notice)
        guard case .eventEnded(let event, _) = notice, event.state == .expired else { return }
        Task { try? await rules.expired(event) }
    }
}

/// What a start holds back.
private struct StartGates: Sendable {
    let webhooks = StartGate()
    let rules = StartGate()

    func open() {
        webhooks.open()
        rules.open()
    }
}

/// Catches up, lets webhooks and rules begin, and polls from then on.
private struct PollService: Service {
    let poller: MessagePoller
    let patience: Duration
    let gates: StartGates
    /// Opens once webhooks are received; nil if they never are.
    let listening: StartGate?

    func run() async throws {
        await cancelWhenGracefulShutdown { await catchUp() }
        guard !Task.isShuttingDownGracefully else { return }
        gates.open()
        try await poller.run()
    }

    private func catchUp() async {
        guard await poller.catchUp(within: patience), let listening else { return }
        gates.webhooks.open()
        // What was sent after the first look and before somebody listened has to be known too before rules begin.
        guard await listening.wait() else { return }
        _ = await poller.catchUp(within: patience)
    }
}

/// Runs the engine until a graceful shutdown.
private struct EngineService: Service {
    let engine: Engine

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await engine.run() }
    }
}
