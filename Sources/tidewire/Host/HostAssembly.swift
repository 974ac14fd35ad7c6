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
    let store: SQLiteStore
    private let archive = PackArchive()
    /// Where versions before kept packs.
    private let formerArchive: URL
    private let poller: MessagePoller
    /// Opens for webhooks, and then for rules.
    private let gates = StartGates()
    private let logger: Logger

    /// - Parameters:
    ///   - observer: Told of everything that the engine does; nil where nobody reads it.
    ///   - report: Told of every reload that changed something or failed.
    init(
        _ configuration: TidewireConfiguration, in state: StateDirectory, api: any ConversationAPI,
        client: HTTPClient, allowsPrivateMedia: Bool, observer: (any EngineObserver)?, logger: Logger,
        report: @escaping @Sendable (PackFolder, ReloadOutcome) -> Void
    ) throws {
        self.configuration = configuration
        self.logger = logger
        let loader = PackLoader()
        formerArchive = URL(filePath: state.path(of: "packs"), directoryHint: .isDirectory)
        book = RuleBook(archive: archive)
        rules = RuleHost(
            api: api, book: book, loader: loader,
            media: MediaInspector(client: client, allowsPrivateAddresses: allowsPrivateMedia),
            configuration: try configuration.ruleHost(allowsPrivateMedia: allowsPrivateMedia),
            clock: DeadlineClock(ContinuousClock()), logger: logger)
        store = try SQLiteStore(path: state.engineDatabase)
        let notes = try MappedCrashNotes(path: state.path(of: "running"))
        notes.noteFaults()
        engine = Engine(
            store: store, handler: rules, observer: observer,
            configuration: configuration.engine,
            crashNotes: notes, logger: logger)
        rules.connect(engine)
        rules.setOptOutObserver { change in
            let fields: Logger.Metadata = ["participant": "\(change.participant)", "number": "\(change.number)"]
            logger.notice(change.isOut ? "opted out" : "opted in again", metadata: fields)
        }
        monitor = Monitor(
            engine: engine, store: store, packCount: configuration.packs.count,
            activePackCount: { [book] in book.activePacks.count }, troubles: { [book] in book.troubles })
        poller = MessagePoller(
            api: api, store: engine, interval: configuration.poll.interval, lookback: configuration.poll.lookback,
            optOut: rules.optOutWords, logger: logger)
        let (rules, engine, book) = (self.rules, self.engine, self.book)
        reloader = PackReloader(
            folders: configuration.packs.map { PackFolder(URL(filePath: $0, directoryHint: .isDirectory)) }, book: book,
            loader: loader,
            report: { folder, outcome in
                report(folder, outcome)
                Task {
                    if case .activated = outcome { await rules.retireStates() }
                    await Self.release(folder, book, engine, logger)
                }
            })
        secrets = WebhookSecrets(
            try configuration.webhook.secrets.map { secret throws(ConfigurationError) in try secret.reveal() })
    }

    /// Runs the host, with further services that start after it and stop before it, until the process is asked to stop.
    func run(with services: [any Service]) async throws {
        try await StopSignals(engine: engine, grace: configuration.shutdownGrace, logger: logger)
            .run(self.services() + services)
    }

    /// Has the events run that waited for a folder's pack, if one of it is in force.
    private static func release(_ folder: PackFolder, _ book: RuleBook, _ engine: Engine, _ logger: Logger) async {
        guard !book.missing.contains(where: { $0.key == folder.key }) else { return }
        do {
            try await engine.release(eventsFor: folder.key)
        } catch {
            logger.error(
                "events that waited for a pack were not taken up",
                metadata: ["folder": "\(folder.key)", "error": "\(error)"])
        }
    }

    /// The services, in the order in which they start; they stop in the reverse order.
    private func services() -> [any Service] {
        // What was missed is read first: it happened before whatever comes now.
        var services: [any Service] = [
            GatedService(gate: gates.rules, service: EngineService(engine: engine, grace: configuration.shutdownGrace)),
            reloader,
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
            services.append(
                monitor.application(
                    listen: listen, limits: configuration.listeners, bound: monitorPort, logger: logger))
        }
        return services
    }

    /// Reads the packs, and tells the rules how to catch up. To be called once, before the services run.
    ///
    /// - Throws: ``CommandError`` if a pack has problems and `options` are strict.
    func start(_ options: StartOptions) async throws {
        if options.isHeld { try await engine.pause(PauseSubject.everything, reason: "started with --hold") }
        try await poller.noteStart()
        rules.setCatchUp { [poller] conversation in try await poller.catchUp(conversation) }
        try await importPacks()
        let outcomes = await reloader.reload()
        let broken = outcomes.filter { if case .broken = $0.outcome { true } else { false } }
        guard options.isStrict, !broken.isEmpty else { return }
        throw CommandError(
            ExitStatus.failed,
            "these packs can't be loaded as they are (see above), and --strict was given: "
                + broken.map(\.folder.url.path).joined(separator: ", "))
    }

    /// Takes over what a version before kept in files, so that its runs find their packs in the database.
    private func importPacks() async throws {
        let result = try await archive.importPacks(from: formerArchive)
        if result.imported > 0 {
            logger.notice("packs were taken over into the database", metadata: ["count": "\(result.imported)"])
        }
        for left in result.left {
            logger.error("a kept pack could not be taken over", metadata: ["file": "\(left)"])
        }
    }

    private var webhookServer: any Service {
        let engine = engine
        let receiver = WebhookReceiver(
            secrets: { [secrets] in secrets.all }, logger: logger, tally: tally, optOut: rules.optOutWords,
            accept: { events throws(EngineError) in try await engine.accept(events) })
        return WebhookServer(
            listen: configuration.webhook.listen, path: configuration.webhook.path,
            bodyLimit: configuration.webhook.bodyLimit, limits: configuration.listeners,
            memory: BodyMemory(limit: configuration.webhook.bodyMemory), receiver: receiver, monitor: monitor
        ).application(bound: webhookPort, logger: logger)
    }

    /// What people have it do, over the admin socket.
    var control: HostControl { HostControl(engine: engine, rules: rules, book: book) }

    /// What the process tells of itself, for the admin socket.
    func status(mode: String, gateway: String?, api: String) async -> AdminStatus {
        let isDry = configuration.isDryRun
        let others = (try? await store.census())?.invocations(notOf: isDry) ?? 0
        return AdminStatus(
            version: Tidewire.version, process: ProcessInfo.processInfo.processIdentifier, mode: mode,
            gateway: gateway, webhook: await webhookURL, monitor: await monitorURL, api: api, packs: packs,
            deliveries: tally.counts, isDryRun: isDry, runsOfOtherKind: others,
            troubles: book.troubles.map(AdminStatus.Trouble.init))
    }

    /// Packs and rules in force, for the admin socket.
    private var packs: [AdminStatus.Pack] {
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

/// How a host is to start.
struct StartOptions: Sendable {
    /// Whether it refuses to start if a pack can't be loaded as it is now.
    var isStrict = false
    /// Whether it starts with everything paused.
    var isHeld = false
}
