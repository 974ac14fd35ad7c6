import BoundedListener
import Conversations
public import Foundation
import Hummingbird
public import Logging
public import ServiceLifecycle
import Synchronization

/// The conversations API of AgentPhone, served here: complete, persistent, with simulated phones at the other end.
///
/// ``run()`` listens and delivers webhooks. The API itself is also at hand in process: the gateway is a
/// ``ConversationAPI``, held to the same bounds as over HTTP. See <doc:Gateway> for what it chooses where the
/// documentation is silent.
public final class Gateway: Service, Sendable {
    public let configuration: GatewayConfiguration
    let store: GatewayStore
    let media: MediaStore
    let guardian: AddressGuard
    let clock: any Clock<Duration>
    let now: @Sendable () -> Date
    let logger: Logger
    /// Raised when there may be something to deliver.
    let deliverySignal = Signal()
    let binding = Binding()
    let faults = Mutex(FaultPlan())
    let rates: Mutex<RateCounter>
    let deliveryObserver = Mutex<(@Sendable (DeliveryRecord) -> Void)?>(nil)

    /// Opens the database, or makes it with an agent and ``GatewayConfiguration/number``.
    ///
    /// - Parameters:
    ///   - clock: Times deliveries and their retries.
    ///   - now: The wall time; must move together with `clock`.
    public convenience init(
        _ configuration: GatewayConfiguration, clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) throws(GatewayError) {
        try self.init(
            configuration, guardian: AddressGuard(allowsLocal: configuration.allowsLocalWebhooks), clock: clock,
            now: now, logger: logger)
    }

    init(
        _ configuration: GatewayConfiguration, guardian: AddressGuard, clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Date, logger: Logger
    ) throws(GatewayError) {
        try configuration.validate()
        self.configuration = configuration
        self.guardian = guardian
        rates = Mutex(RateCounter(limits: configuration.rateLimits))
        self.clock = clock
        self.now = now
        self.logger = logger
        store = try GatewayStore(directory: configuration.directory)
        media = try MediaStore(
            directory: configuration.directory.appendingPathComponent("media"),
            byteLimit: configuration.mediaByteLimit)
        try store.prepare(configuration, at: Timestamp(now()))
    }

    /// Serves and delivers until the task is cancelled or a graceful shutdown begins.
    ///
    /// - Throws: ``GatewayError`` `.portInUse` or `.cannotListen`.
    public func run() async throws {
        do {
            try await application().runUntilCancelled(logger: logger)
            binding.fail(GatewayError(.cannotListen, "the gateway has stopped"))
        } catch {
            let translated = GatewayError(listeningOn: configuration, error)
            binding.fail(translated)
            throw translated
        }
    }

    /// The port that the gateway listens on; waits until it does.
    public var boundPort: Int {
        get async throws { try await binding.port() }
    }

    /// What the URLs of media start with, as far as it is known yet.
    public var baseURL: String {
        configuration.baseURL.map { MediaLinks(base: $0).base } ?? localURL
    }

    /// Where this machine reaches the gateway, as far as it is known yet. Whoever listens on all addresses is reached
    /// by the loopback one: `0.0.0.0` is nobody's address.
    public var localURL: String {
        let host =
            switch configuration.host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "[::1]"
            case let host where host.contains(":"): "[\(host)]"
            case let host: host
            }
        return "http://\(host):\(binding.knownPort ?? configuration.port)"
    }

    var links: MediaLinks { MediaLinks(base: baseURL) }

    var timestamp: Timestamp { Timestamp(now()) }

    func application() -> Application<GatewayResponder> {
        Application(
            responder: GatewayResponder(gateway: self), server: configuration.listener.server,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "tidewire-gateway"),
            services: [deliveryService()],
            onServerRunning: { [binding] channel in binding.succeed(port: channel.localAddress?.port) },
            logger: logger)
    }

    private func deliveryService() -> DeliveryService {
        DeliveryService(
            store: store, ladder: DeliveryLadder(delays: configuration.retryDelays), guardian: guardian,
            retention: configuration.deliveryRetention, signal: deliverySignal, clock: clock, now: now, logger: logger,
            strike: { [weak self] scope in self?.faults.withLock { $0.strike(.consumer(scope)) } },
            observer: { [weak self] record in self?.deliveryObserver.withLock { $0 }?(record) })
    }
}

extension GatewayStore {
    /// Makes the first agent and number where the database has no number yet.
    fileprivate func prepare(_ configuration: GatewayConfiguration, at now: Timestamp) throws(GatewayError) {
        do {
            try writeAtStart { database in
                guard try NumberTable.first(database) == nil, let address = ParticipantAddress(configuration.number)
                else {
                    return
                }
                let agent = try AgentTable.insert(
                    database,
                    Agent(
                        id: Names.id("agt", at: now.microseconds), name: "Agent", description: nil,
                        voiceMode: .webhook, enableMessaging: true, createdAt: now.wholeMilliseconds))
                try NumberTable.insert(
                    database,
                    StoredNumber(
                        row: 0, id: Names.id("num", at: now.microseconds), phoneNumber: address.text, agentRow: agent,
                        agentID: nil, country: "US", supportsIMessage: configuration.numberSupportsIMessage,
                        isRegisteredForSMS: true, createdAt: now.wholeMilliseconds))
            }
        } catch {
            throw GatewayError(opening: configuration.directory, error)
        }
    }
}

/// Where the gateway came to listen, for those who wait to know.
final class Binding: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Int, any Error>])
        case bound(Int)
        case failed(GatewayError)
    }

    private let state = Mutex(State.waiting([]))

    var knownPort: Int? {
        state.withLock { state in
            guard case .bound(let port) = state else { return nil }
            return port
        }
    }

    func port() async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            state.withLock { state in
                switch state {
                case .waiting(let others): state = .waiting(others + [continuation])
                case .bound(let port): continuation.resume(returning: port)
                case .failed(let error): continuation.resume(throwing: error)
                }
            }
        }
    }

    func succeed(port: Int?) { settle(port.map(State.bound) ?? .failed(GatewayError(.cannotListen, "no port"))) }

    func fail(_ error: GatewayError) { settle(.failed(error)) }

    private func settle(_ outcome: State) {
        let waiting = state.withLock { state in
            guard case .waiting(let continuations) = state else {
                state = outcome
                return [CheckedContinuation<Int, any Error>]()
            }
            state = outcome
            return continuations
        }
        for continuation in waiting {
            switch outcome {
            case .bound(let port): continuation.resume(returning: port)
            case .failed(let error): continuation.resume(throwing: error)
            case .waiting: preconditionFailure("settled means bound or failed")
            }
        }
    }
}
