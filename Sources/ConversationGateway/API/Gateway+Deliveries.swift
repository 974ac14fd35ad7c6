import Conversations
import Foundation

/// The body of a webhook test; all of it may be absent, and the body as a whole too.
/// Source: AgentPhone reference "Testing"; the fields are what its SDK sends.
struct WebhookTestBody: Decodable, Sendable {
    var from: String?
    var to: String?
    var message: String?
    var channel: Channel?
}

/// Source: AgentPhone reference "Testing".
struct WebhookTestResult: Sendable, Hashable, Encodable {
    var success: Bool
    var httpStatus: Int?
    var errorMessage: String?

    private enum CodingKeys: String, CodingKey { case success, httpStatus, errorMessage }

    /// Writes nulls.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(success, forKey: .success)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(errorMessage, forKey: .errorMessage)
    }
}

extension Gateway {
    func deliveries(
        _ scope: WebhookScope, hours: Int?, limit: Int, offset: Int
    ) async throws(APIError) -> DeliveryPage {
        let since = start(hours: hours)
        return try await store.read {
            try DeliveryTable.page($0, scope, since: since, limit: limit, offset: offset)
        }
    }

    func allTimeDeliveryStats() async throws(APIError) -> AllTimeDeliveryStats {
        try await store.read { try DeliveryTable.allTimeStats($0) }
    }

    func deliveryStats(hours: Int?) async throws(APIError) -> DeliveryStats {
        let since = start(hours: hours)
        return try await store.read { try DeliveryTable.stats($0, .project, since: since) }
    }

    /// Delivers one made-up message, once, and answers how that went; it is listed with the other deliveries.
    func testWebhook(_ scope: WebhookScope, _ body: WebhookTestBody) async throws(APIError) -> WebhookTestResult {
        let now = timestamp
        let (webhook, number) = try await store.read { database in
            (try WebhookTable.find(database, scope), try NumberTable.first(database))
        }
        guard let webhook else { throw .notFound("Webhook") }
        let draft = try testDelivery(scope, body, number: number, at: now)
        let id = Names.id("del", at: now.microseconds)
        let payload: Data
        do { payload = try JSON.encode(draft.event) } catch { throw .invalid("body", "cannot be written: \(error)") }
        let delivery = DueDelivery(
            row: 0, id: id, scope: scope, event: draft.event.event, conversationRow: nil,
            payload: String(decoding: payload, as: UTF8.self), attemptCount: 0, url: webhook.url,
            secret: webhook.secret, timeout: .seconds(webhook.timeout))
        let transport = WebhookTransport(guardian: guardian)
        let outcome = await transport.post(delivery, at: now, timeoutBy: clock)
        try? await transport.shutdown()
        let record = DeliveryRecord(
            row: 0, decision: DeliveryLadder(delays: []).decide(outcome, attempts: 1), httpStatus: outcome.httpStatus,
            errorMessage: outcome.errorMessage(timeout: delivery.timeout), responseBody: outcome.responseBody,
            attemptCount: 1, attemptedAt: now)
        try await store.write { try DeliveryTable.insertFinished($0, id: id, draft, record) }
        return WebhookTestResult(
            success: record.decision == .succeeded, httpStatus: record.httpStatus, errorMessage: record.errorMessage)
    }

    private func testDelivery(
        _ scope: WebhookScope, _ body: WebhookTestBody, number: StoredNumber?, at now: Timestamp
    ) throws(APIError) -> DeliveryDraft {
        let instant = now.wholeMilliseconds
        let id = Message.ID(Names.id("msg_test", at: now.microseconds))
        let data = WebhookMessage(
            conversationID: Conversation.ID(Names.id("conv_test", at: now.microseconds)),
            numberID: number?.id, messageID: configuration.webhookMessageIDs ? id : nil,
            from: body.from ?? "+15555550100", to: body.to ?? number?.phoneNumber ?? "",
            message: body.message ?? "This is a test message from the gateway.", receivedAt: instant)
        let event = WebhookEvent(
            event: WebhookEvent.messageEvent, channel: body.channel ?? .sms, timestamp: instant,
            agentID: scope == .project ? number?.agentID : scope.rawValue, content: .message(data),
            conversationState: ["testMode": true], isTest: true)
        return DeliveryDraft(scope: scope, event: event, messageID: id, conversationRow: nil)
    }

    private func start(hours: Int?) -> Timestamp? {
        hours.map { timestamp.advanced(by: .seconds(-3600 * $0)) }
    }
}
