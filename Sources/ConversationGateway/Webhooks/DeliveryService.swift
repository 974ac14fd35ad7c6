import Conversations
import Foundation
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Delivers what is due: first attempts at once, further ones by the ladder, across restarts.
///
/// Every webhook has places of its own for attempts under way, so one that is slow or down holds up only itself. A
/// conversation's deliveries are started one after the other while they succeed; a retry holds up none behind it.
struct DeliveryService: Service {
    /// Attempts under way for one webhook at a time.
    static let attemptLimit = 16
    /// How many due deliveries are looked at, of which one for each conversation may start.
    private static let window = 2 * attemptLimit

    let store: GatewayStore
    let ladder: DeliveryLadder
    let guardian: AddressGuard
    let retention: Duration
    let signal: Signal
    let clock: any Clock<Duration>
    let now: @Sendable () -> Date
    let logger: Logger
    /// The fault that befalls an attempt at this webhook, if any.
    let strike: @Sendable (WebhookScope) -> Fault?
    /// Told of each attempt once it is on record.
    let observer: @Sendable (DeliveryRecord) -> Void
    private let underway = Underway()

    init(
        store: GatewayStore, ladder: DeliveryLadder, guardian: AddressGuard, retention: Duration, signal: Signal,
        clock: any Clock<Duration>, now: @escaping @Sendable () -> Date, logger: Logger,
        strike: @escaping @Sendable (WebhookScope) -> Fault?, observer: @escaping @Sendable (DeliveryRecord) -> Void
    ) {
        self.store = store
        self.ladder = ladder
        self.guardian = guardian
        self.retention = retention
        self.signal = signal
        self.clock = clock
        self.now = now
        self.logger = logger
        self.strike = strike
        self.observer = observer
    }

    func run() async throws {
        let transport = WebhookTransport(guardian: guardian)
        await cancelWhenGracefulShutdown { await deliver(over: transport) }
        try await transport.shutdown()
    }

    private func deliver(over transport: WebhookTransport) async {
        var pruning = DeliveryPruning(retention: retention)
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let next: Timestamp?
                do throws(APIError) {
                    for delivery in try await startable() {
                        group.addTask { await attempt(delivery, over: transport) }
                    }
                    try await pruning.run(on: store, at: Timestamp(now()))
                    next = try await nextDue()
                } catch {
                    if Task.isCancelled { return }
                    logger.error("cannot read what to deliver", metadata: ["reason": "\(error.message)"])
                    next = Timestamp(now()).advanced(by: .seconds(5))
                }
                await sleep(until: next)
            }
        }
    }

    private func startable() async throws(APIError) -> [DueDelivery] {
        let instant = Timestamp(now())
        let underway = underway.all
        let due = try await store.read { database in
            try WebhookTable.scopes(database).flatMap { scope in
                let rivals = underway.filter { $0.scope == scope }
                guard rivals.count < Self.attemptLimit else { return [DueDelivery]() }
                return try DeliveryTable.due(
                    database, scope, at: instant, limit: Self.window, busy: rivals.compactMap(\.conversationRow))
            }
        }
        return self.underway.admit(due, limit: Self.attemptLimit)
    }

    private func nextDue() async throws(APIError) -> Timestamp? {
        let instant = Timestamp(now())
        return try await store.read { try DeliveryTable.nextDue($0, after: instant) }
    }

    private func attempt(_ delivery: DueDelivery, over transport: WebhookTransport) async {
        defer {
            underway.remove(delivery)
            signal.raise()
        }
        let instant = Timestamp(now())
        let outcome = await outcome(of: delivery, at: instant, over: transport)
        // What a shutdown cut off is no failure of the endpoint: the row stays as it is and is tried again.
        guard !Task.isCancelled else { return }
        let attempts = delivery.attemptCount + 1
        let record = DeliveryRecord(
            row: delivery.row, decision: ladder.decide(outcome, attempts: attempts), httpStatus: outcome.httpStatus,
            errorMessage: outcome.errorMessage(timeout: delivery.timeout), responseBody: outcome.responseBody,
            attemptCount: attempts, attemptedAt: instant)
        do throws(APIError) {
            try await store.write { try DeliveryTable.record($0, record) }
        } catch {
            let metadata: Logger.Metadata = ["delivery": "\(delivery.id)", "reason": "\(error.message)"]
            logger.error("cannot record a delivery; it will be made again", metadata: metadata)
            try? await clock.sleep(for: .seconds(5))
            return
        }
        log(delivery, record)
        observer(record)
    }

    private func outcome(
        of delivery: DueDelivery, at instant: Timestamp, over transport: WebhookTransport
    ) async -> DeliveryOutcome {
        var (delivery, instant) = (delivery, instant)
        switch strike(delivery.scope) {
        case nil: break
        case let fault?:
            let delay = Duration.seconds(fault.seconds ?? 0)
            switch fault.kind {
            case .duplicate: _ = await transport.post(delivery, at: instant, timeoutBy: clock)
            case .reorder:
                underway.overtake(delivery)
                signal.raise()
                try? await clock.sleep(for: delay)
            case .wrongSignature: delivery.secret = Names.webhookSecret()
            case .tamperedBody: delivery.tampering = " "
            case .skew: instant = instant.advanced(by: .zero - delay)
            case .drop: return .answered(status: 200, body: "")
            case .status, .statusAfterEffect, .delay, .disconnect, .loseAnswer: break
            }
        }
        return await transport.post(delivery, at: instant, timeoutBy: clock)
    }

    private func log(_ delivery: DueDelivery, _ record: DeliveryRecord) {
        let metadata: Logger.Metadata = [
            "delivery": "\(delivery.id)", "event": "\(delivery.event)", "url": "\(delivery.url)",
            "attempt": "\(record.attemptCount)", "reason": "\(record.errorMessage ?? "")",
        ]
        let outcome: String
        switch record.decision {
        case .succeeded:
            outcome = "success"
            logger.debug("delivered", metadata: metadata)
        case .retry:
            outcome = "retry"
            logger.info("delivery will be tried again", metadata: metadata)
        case .failed:
            outcome = "failed"
            logger.warning("delivery failed", metadata: metadata)
        }
        Counter(label: "tidewire_gateway_delivery_attempts", dimensions: [("outcome", outcome)]).increment()
    }

    /// Returns when `due` has come or something changed.
    private func sleep(until due: Timestamp?) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await signal.wait() }
            if let due {
                group.addTask { try? await clock.sleep(until: due, now: now) }
            }
            await group.next()
            group.cancelAll()
        }
    }
}

extension Clock where Duration == Swift.Duration {
    /// Sleeps until the wall time is `due`.
    ///
    /// The clock is read before the wall time, so that time passing in between only shortens the sleep.
    fileprivate func sleep(until due: Timestamp, now: @Sendable () -> Date) async throws {
        let start = self.now
        let delay = Swift.Duration.microseconds(max(0, due.microseconds - Timestamp(now()).microseconds))
        try await sleep(until: start.advanced(by: delay), tolerance: nil)
    }
}

/// The attempts under way, and who may start next.
private final class Underway: Sendable {
    private let deliveries = Mutex<[Int64: DueDelivery]>([:])

    var all: [DueDelivery] { deliveries.withLock { Array($0.values) } }

    /// Takes in those of `due` that may start now, in their order.
    func admit(_ due: [DueDelivery], limit: Int) -> [DueDelivery] {
        deliveries.withLock { deliveries in
            var admitted: [DueDelivery] = []
            for delivery in due where deliveries[delivery.row] == nil {
                let rivals = deliveries.values.filter { $0.scope == delivery.scope }
                let isTaken = rivals.contains {
                    $0.conversationRow != nil && $0.conversationRow == delivery.conversationRow
                }
                guard rivals.count < limit, !isTaken else { continue }
                deliveries[delivery.row] = delivery
                admitted.append(delivery)
            }
            return admitted
        }
    }

    /// Lets the conversation's next delivery start before this one has ended.
    func overtake(_ delivery: DueDelivery) {
        deliveries.withLock { $0[delivery.row]?.conversationRow = nil }
    }

    func remove(_ delivery: DueDelivery) {
        deliveries.withLock { $0[delivery.row] = nil }
    }
}
