import Conversations
public import DurableExecution
public import Foundation
public import Logging
import Metrics
import Synchronization

/// What a webhook delivery is answered.
public struct WebhookAnswer: Sendable, Hashable {
    /// 200 once the event is on disk; 400 or 401 for what will never be accepted, 503 for what may be later.
    public var status: Int
    /// Why, in a word that logs and metrics carry: `accepted`, `duplicate`, `stale`, …
    public var reason: String
    public var message: String

    public init(status: Int, reason: String, message: String) {
        self.status = status
        self.reason = reason
        self.message = message
    }
}

/// The headers of a delivery that mean something.
public struct WebhookHeaders: Sendable, Hashable {
    public var signature: String?
    public var timestamp: String?
    public var delivery: String?

    public init(signature: String?, timestamp: String?, delivery: String?) {
        self.signature = signature
        self.timestamp = timestamp
        self.delivery = delivery
    }
}

/// How many deliveries were answered with each reason, since the process started.
public final class WebhookTally: Sendable {
    private let tally = Mutex<[String: Int]>([:])

    public init() {}

    public var counts: [String: Int] { tally.withLock { $0 } }

    func count(_ reason: String) { tally.withLock { $0[reason, default: 0] += 1 } }
}

/// Takes deliveries in: verified, read, made an event, and kept, before they are answered.
public struct WebhookReceiver: Sendable {
    private let accept: @Sendable ([NewEvent]) async throws(EngineError) -> [Acceptance]
    private let secrets: @Sendable () -> [String]
    private let now: @Sendable () -> Date
    private let logger: Logger
    private let tally: WebhookTally
    private let refusals = RefusalLog()
    private let optOut: OptOutWords

    /// - Parameters:
    ///   - optOut: Words that are kept with the events that bring them.
    ///   - tally: Where answers are counted, besides the metrics.
    ///   - secrets: Asked at each delivery: all of them count, so that a secret can be rotated by overlap.
    ///   - accept: Keeps events; returns once they are on disk.
    public init(
        secrets: @escaping @Sendable () -> [String], now: @escaping @Sendable () -> Date = { Date() }, logger: Logger,
        tally: WebhookTally = WebhookTally(), optOut: OptOutWords = OptOutWords(),
        accept: @escaping @Sendable ([NewEvent]) async throws(EngineError) -> [Acceptance]
    ) {
        self.secrets = secrets
        self.now = now
        self.logger = logger
        self.accept = accept
        self.tally = tally
        self.optOut = optOut
    }

    public func receive(_ body: Data, headers: WebhookHeaders) async -> WebhookAnswer {
        record(await answer(body, headers), headers)
    }

    /// Refuses a delivery by its headers alone, so that nobody has a body kept in memory without a signature.
    ///
    /// - Returns: The answer; nil if the body has to be read.
    public func refuse(_ headers: WebhookHeaders) -> WebhookAnswer? {
        do {
            try WebhookSignature.checkHeaders(
                signature: headers.signature, timestamp: headers.timestamp, now: now())
            return nil
        } catch {
            return record(WebhookAnswer(status: 401, reason: error.code.rawValue, message: error.message), headers)
        }
    }

    /// The answer to a delivery whose body is over the limit; the body is not looked at.
    public func refuseTooLarge(limit: Int) -> WebhookAnswer {
        record(WebhookAnswer(status: 413, reason: "too_large", message: "the body is over \(limit) bytes"))
    }

    /// The answer while the bodies that are being read take up all the memory that they may.
    public func refuseBusy() -> WebhookAnswer {
        record(WebhookAnswer(status: 503, reason: "busy", message: "too many deliveries are being read; try again"))
    }

    private func record(_ answer: WebhookAnswer, _ headers: WebhookHeaders? = nil) -> WebhookAnswer {
        tally.count(answer.reason)
        Counter(label: "tidewire_webhook_deliveries", dimensions: [("reason", answer.reason)]).increment()
        if answer.status == 200 {
            logger.debug("webhook delivery \(answer.reason)", metadata: fields(answer, headers))
        } else if let count = refusals.count(answer.reason, at: now()) {
            var fields = fields(answer, headers)
            if count > 1 { fields["count"] = "\(count)" }
            logger.warning("webhook delivery \(answer.reason)", metadata: fields)
        }
        return answer
    }

    private func fields(_ answer: WebhookAnswer, _ headers: WebhookHeaders?) -> Logger.Metadata {
        [
            "status": "\(answer.status)", "delivery": "\(headers?.delivery.map(RefusalLog.excerpt) ?? "-")",
            "message": "\(RefusalLog.excerpt(answer.message))",
        ]
    }

    private func answer(_ body: Data, _ headers: WebhookHeaders) async -> WebhookAnswer {
        let event: WebhookEvent
        let secrets = secrets()
        guard !secrets.isEmpty else {
            return WebhookAnswer(status: 503, reason: "no_secret", message: "no webhook secret is known yet")
        }
        do {
            try WebhookSignature.verify(
                body, signature: headers.signature, timestamp: headers.timestamp, secrets: secrets, now: now())
            event = try WebhookEvent(parsing: body)
        } catch {
            let status = error.code == .malformed ? 400 : 401
            return WebhookAnswer(status: status, reason: error.code.rawValue, message: error.message)
        }
        if event.isTest { return WebhookAnswer(status: 200, reason: "test", message: "a test delivery; no rule runs") }
        guard let content = ConversationEvent(event) else {
            return WebhookAnswer(
                status: 200, reason: "ignored",
                message: "rules don't see \(event.event) on \(event.channel?.rawValue ?? "-")")
        }
        return await keep(content, delivery: headers.delivery, sentAt: event.timestamp)
    }

    private func keep(_ content: ConversationEvent, delivery: String?, sentAt: Timestamp?) async -> WebhookAnswer {
        do {
            let event = try NewEvent(
                content, source: "webhook", delivery: delivery, sentAt: sentAt ?? Timestamp(now()), optOut: optOut)
            switch try await accept([event]).first {
            case .duplicate(let sequence)?:
                return WebhookAnswer(status: 200, reason: "duplicate", message: "known as event \(sequence)")
            case .accepted(let sequence)?:
                return WebhookAnswer(status: 200, reason: "accepted", message: "kept as event \(sequence)")
            case nil:
                return WebhookAnswer(status: 503, reason: "unavailable", message: "the event was not kept")
            }
        } catch let error as EngineError {
            return WebhookAnswer(status: 503, reason: error.code.rawValue, message: error.message)
        } catch {
            return WebhookAnswer(status: 400, reason: "malformed", message: "\(error)")
        }
    }
}

extension NewEvent {
    /// An event for the inbox.
    ///
    /// - Parameters:
    ///   - delivery: The webhook delivery's id: what tells a repeated delivery from an equal message where the payload
    ///     has no message id.
    ///   - sentAt: Stands in for the time of an event that carries none.
    ///   - optOut: By which words a participant says whether they want to be written to.
    /// - Throws: `EncodingError` for values that JSON cannot hold.
    init(
        _ content: ConversationEvent, source: String, delivery: String? = nil, sentAt: Timestamp, optOut: OptOutWords
    ) throws {
        var identities = [EventIdentity.of(content), delivery.map(EventIdentity.delivery)].compactMap { $0 }
        if identities.isEmpty { identities = [EventIdentity.fingerprint(of: content)] }
        self.init(
            identities: identities, queue: content.conversation.id.rawValue, kind: content.kind.rawValue,
            source: source, payload: try JSON.encode(content), occurredAt: (content.occurredAt ?? sentAt).date,
            keys: [
                PersonKey.participant(content.conversation.participant),
                PersonKey.sender(content.sender),
            ],
            facts: try OptOutWord(content, optOut).map { [try $0.fact()] } ?? [])
    }
}
