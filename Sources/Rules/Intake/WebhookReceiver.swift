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

    /// - Parameters:
    ///   - tally: Where answers are counted, besides the metrics.
    ///   - secrets: Asked at each delivery: all of them count, so that a secret can be rotated by overlap.
    ///   - accept: Keeps events; returns once they are on disk.
    public init(
        secrets: @escaping @Sendable () -> [String], now: @escaping @Sendable () -> Date = { Date() }, logger: Logger,
        tally: WebhookTally = WebhookTally(),
        accept: @escaping @Sendable ([NewEvent]) async throws(EngineError) -> [Acceptance]
    ) {
        self.secrets = secrets
        self.now = now
        self.logger = logger
        self.accept = accept
        self.tally = tally
    }

    public func receive(_ body: Data, headers: WebhookHeaders) async -> WebhookAnswer {
        record(await answer(body, headers), delivery: headers.delivery)
    }

    private func record(_ answer: WebhookAnswer, delivery: String?) -> WebhookAnswer {
        tally.count(answer.reason)
        Counter(label: "tidewire_webhook_deliveries", dimensions: [("reason", answer.reason)]).increment()
        let level: Logger.Level = answer.status == 200 ? .debug : .warning
        logger.log(
            level: level, "webhook delivery \(answer.reason)",
            metadata: [
                "status": "\(answer.status)", "delivery": "\(delivery ?? "-")", "message": "\(answer.message)",
            ])
        return answer
    }

    /// The answer to a delivery whose body is over the limit; the body is not looked at.
    public func refuseTooLarge(limit: Int) -> WebhookAnswer {
        record(
            WebhookAnswer(status: 413, reason: "too_large", message: "the body is over \(limit) bytes"), delivery: nil)
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
            let event = try NewEvent(content, source: "webhook", delivery: delivery, sentAt: sentAt ?? Timestamp(now()))
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
    /// - Throws: `EncodingError` for values that JSON cannot hold.
    init(_ content: ConversationEvent, source: String, delivery: String? = nil, sentAt: Timestamp) throws {
        var identities = [EventIdentity.of(content), delivery.map(EventIdentity.delivery)].compactMap { $0 }
        if identities.isEmpty { identities = [EventIdentity.fingerprint(of: content)] }
        self.init(
            identities: identities, queue: content.conversation.id.rawValue, kind: content.kind.rawValue,
            source: source, payload: try JSON.encode(content), occurredAt: (content.occurredAt ?? sentAt).date)
    }
}
