import ConversationGateway
import Conversations
import Foundation
import Rules
import ServiceLifecycle

/// Points the gateway's webhook at the host once it listens, and then says what is up and what to try.
struct DevIntroduction: Service {
    let assembly: HostAssembly
    let api: any ConversationAPI
    let gatewayURL: String
    let state: StateDirectory
    let sample: SampleConversation?

    func run() async throws {
        let webhookURL = await assembly.webhookURL
        if let webhookURL {
            try await pointWebhook(at: webhookURL)
        } else if try await api.webhook() != nil {
            try await api.deleteWebhook()
        }
        for line in lines(webhookURL: webhookURL) { Terminal.line(line) }
        try? await gracefulShutdown()
    }

    /// Leaves a webhook alone that points there already: setting it anew would make a new secret, and void the
    /// signatures of deliveries on their way.
    private func pointWebhook(at url: String) async throws {
        if let webhook = try await api.webhook(), webhook.url == url {
            assembly.secrets.add(webhook.secret)
            return
        }
        // Until the new secret is known, deliveries are answered 503 and come again.
        assembly.secrets.clear()
        assembly.secrets.add(try await api.setWebhook(WebhookRequest(url: url)).secret)
    }

    private func lines(webhookURL: String?) -> [String] {
        DevGreeting(
            configuration: assembly.configuration, packs: assembly.book.activePacks, gatewayURL: gatewayURL,
            webhookURL: webhookURL, state: state, sample: sample
        ).lines
    }
}
