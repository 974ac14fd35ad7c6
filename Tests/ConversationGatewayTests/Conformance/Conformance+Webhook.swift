import Conversations
import CustomDump
import Testing

extension ConversationAPIConformance {
    private static let url = "http://127.0.0.1:9/hook"

    @Test(arguments: Way.allCases) func `a webhook is set, read and deleted`(way: Way) async throws {
        try await onAccount(way) { account in
            let none = try await account.api.webhook()
            expectNoDifference(none, nil)
            let set = try await account.api.setWebhook(WebhookRequest(url: Self.url, contextLimit: 5, timeout: 60))
            expectNoDifference(
                set,
                Webhook(
                    id: set.id, url: Self.url, secret: set.secret, status: "active", contextLimit: 5, timeout: 60,
                    createdAt: account.now))
            expectNoDifference(set.secret.hasPrefix("whsec_"), true)
            let read = try await account.api.webhook()
            expectNoDifference(read, set)
            try await account.api.deleteWebhook()
            let gone = try await account.api.webhook()
            expectNoDifference(gone, nil)
        }
    }

    @Test(arguments: Way.allCases) func `a webhook that isn't there can be deleted`(way: Way) async throws {
        try await onAccount(way) { account in
            try await account.api.deleteWebhook()
            try await account.api.deleteWebhook()
        }
    }

    @Test(arguments: Way.allCases) func `each setting makes a new secret`(way: Way) async throws {
        try await onAccount(way) { account in
            let request = WebhookRequest(url: Self.url)
            var secrets: [String] = []
            for _ in 0..<4 { secrets.append(try await account.api.setWebhook(request).secret) }
            expectNoDifference(Set(secrets).count, 4)
            let read = try await account.api.webhook()
            expectNoDifference(read?.secret, secrets.last)
        }
    }

    @Test(arguments: Way.allCases) func `what a setting leaves out takes its default`(way: Way) async throws {
        try await onAccount(way) { account in
            _ = try await account.api.setWebhook(WebhookRequest(url: Self.url, contextLimit: 5, timeout: 60))
            let set = try await account.api.setWebhook(WebhookRequest(url: Self.url + "/2"))
            expectNoDifference(
                [set.contextLimit, set.timeout], [Webhook.defaultContextLimit, Webhook.defaultTimeout])
            expectNoDifference(set.url, Self.url + "/2")
        }
    }

    @Test(arguments: Way.allCases) func `the bounds of a webhook are kept`(way: Way) async throws {
        try await onAccount(way) { account in
            let wrong: [(WebhookRequest, String)] = [
                (WebhookRequest(url: Self.url, contextLimit: -1), "contextLimit"),
                (WebhookRequest(url: Self.url, contextLimit: 51), "contextLimit"),
                (WebhookRequest(url: Self.url, timeout: 4), "timeout"),
                (WebhookRequest(url: Self.url, timeout: 121), "timeout"),
                (WebhookRequest(url: ""), "url"), (WebhookRequest(url: "nowhere"), "url"),
                (WebhookRequest(url: "ftp://example.com/hook"), "url"),
                (WebhookRequest(url: "http://" + String(repeating: "a", count: 2100)), "url"),
            ]
            for (request, field) in wrong {
                await expectError(.invalidRequest, field: field) { try await account.api.setWebhook(request) }
            }
            let none = try await account.api.webhook()
            expectNoDifference(none, nil)
            for (context, timeout) in [(0, 5), (50, 120)] {
                let set = try await account.api.setWebhook(
                    WebhookRequest(url: Self.url, contextLimit: context, timeout: timeout))
                expectNoDifference([set.contextLimit, set.timeout], [context, timeout])
            }
        }
    }
}
