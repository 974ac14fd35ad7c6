import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// Delivers webhooks to a host as the provider does.
struct Provider: Sendable {
    static let secret = "whsec_right"

    /// The webhook's URL.
    var webhook: String

    /// Starts a host against an API of the given URL, with ``secret`` as the webhook's secret.
    static func host(
        _ place: Workplace, _ url: String, _ settings: [String: String] = [:]
    ) async throws -> (product: Product, provider: Provider) {
        let all = ["api.base_url": url].merging(settings) { $1 }
        let product = try Product(
            place.arguments("serve", all, [place.pack.path, "--live"]),
            environment: ["TIDEWIRE_API_KEY": "sk_test", "TIDEWIRE_WEBHOOK_SECRETS": secret])
        let line = try #require(
            await product.output.next(holding: "  webhooks  "), "it did not start: \(product.errors.all)")
        return (product, Provider(webhook: String(try #require(line.split(separator: " ").last))))
    }

    static func payload(_ message: String = "msg_1") -> String {
        let now = Timestamp(Date())
        return """
            {"event": "agent.message", "channel": "imessage", "timestamp": "\(now)", "agentId": "agt_1",
             "data": {"conversationId": "conv_1", "numberId": "num_1", "messageId": "\(message)",
                      "from": "+15559876543", "to": "+15551234567", "message": "hello", "mediaUrl": null,
                      "direction": "inbound", "receivedAt": "\(now)"},
             "conversationState": null, "recentHistory": []}
            """
    }

    /// Delivers a message and expects the answer's status.
    func deliver(
        message: String = "msg_1", body: String? = nil, secret: String = Provider.secret, age: Int64 = 0,
        expecting status: Int
    ) async throws {
        let data = Data((body ?? Self.payload(message)).utf8)
        let timestamp = Int64(Date().timeIntervalSince1970) - age
        let answer = try await HTTP(base: webhook).send(
            .POST, "", data,
            headers: [
                "X-Webhook-Signature": WebhookSignature.sign(data, timestamp: timestamp, secret: secret),
                "X-Webhook-Timestamp": "\(timestamp)", "X-Webhook-ID": "del_\(message)",
                "X-Webhook-Event": "agent.message",
            ])
        expectNoDifference(answer.status, status)
    }
}
