import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct GatewayTests {
    @Test func `all of it survives a restart, on another port too`() async throws {
        let first = try GatewayFixture()
        defer { first.remove() }
        let sample = try await first.gateway.phones.seedSample()
        _ = try await first.gateway.react(to: sample.photoMessageID, with: .love)
        let webhook = try await first.gateway.setWebhook(WebhookRequest(url: "http://127.0.0.1:9/hook"))
        try await first.gateway.phones.send(from: "+15559876543", body: "pending")
        let before = try await first.gateway.conversation(sample.conversationID, messageLimit: 100)
        let second = try GatewayFixture(in: first.directory, clock: first.clock) { $0.port = 4711 }
        var after = try await second.gateway.conversation(sample.conversationID, messageLimit: 100)
        let photo = try #require(after.messages.firstIndex { $0.id == sample.photoMessageID })
        #expect(after.messages[photo].mediaURL?.hasPrefix("http://127.0.0.1:4711/media/") == true)
        after.messages[photo].mediaURL = before.messages[photo].mediaURL
        after.messages[photo].mediaURLs = before.messages[photo].mediaURLs
        expectNoDifference(after, before)
        expectSame(try await second.gateway.webhook(), webhook)
        expectSame(try await second.gateway.store.read { try DeliveryTable.statuses($0) }, ["pending"])
        expectSame(try await second.gateway.phones.list().map(\.address), ["+15559876543"])
    }

    @Test func `a port in use is told as such, also to those who wait for the port`() async throws {
        let first = try GatewayFixture()
        defer { first.remove() }
        try await first.running { port in
            let second = try GatewayFixture { $0.port = port }
            defer { second.remove() }
            do {
                try await second.gateway.run()
                Issue.record("two gateways on one port")
            } catch let error as GatewayError {
                expectNoDifference(error.code, .portInUse)
                #expect(error.message.contains("127.0.0.1:\(port)"))
            }
            await #expect(throws: GatewayError.self) { try await second.gateway.boundPort }
        }
    }

    @Test func `media URLs start with the port that was bound`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        try await fixture.running { port in
            let media = try await fixture.gateway.phones.upload(Data("BEGIN:VCARD".utf8))
            expectNoDifference(media.url, "http://127.0.0.1:\(port)/media/\(media.digest).vcf")
        }
    }

    @Test(
        arguments: [
            { $0.apiKeys = [] }, { $0.apiKeys = [""] }, { $0.simulationToken = "" }, { $0.port = 70000 },
            { $0.number = "jane@example.com" }, { $0.retryDelays = [.seconds(-1)] }, { $0.baseURL = "localhost" },
            { $0.rateLimits = ["nothing": []] }, { $0.rateLimits = ["sendMessage": [RateLimit(count: 0, seconds: 1)]] },
        ] as [@Sendable (inout GatewayConfiguration) -> Void])
    func `a wrong configuration is refused`(change: @Sendable (inout GatewayConfiguration) -> Void) throws {
        let error = #expect(throws: GatewayError.self) { _ = try GatewayFixture(change: change) }
        expectNoDifference(error?.code, .invalidConfiguration)
    }

    @Test(arguments: [
        ("127.0.0.1", nil, "http://127.0.0.1:8471"), ("0.0.0.0", nil, "http://127.0.0.1:8471"),
        ("::", nil, "http://[::1]:8471"), ("::1", nil, "http://[::1]:8471"),
        ("0.0.0.0", "https://phones.example.com/", "https://phones.example.com"),
    ])
    func `links lead to where somebody can reach the gateway`(host: String, set: String?, base: String) throws {
        let fixture = try GatewayFixture {
            $0.host = host
            $0.port = 8471
            $0.baseURL = set
        }
        defer { fixture.remove() }
        expectNoDifference(fixture.gateway.baseURL, base)
    }
}
