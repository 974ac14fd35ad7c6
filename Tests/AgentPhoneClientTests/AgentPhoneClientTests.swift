import AgentPhoneClient
import AsyncHTTPClient
import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@Suite struct AgentPhoneClientTests {
    @Test func `each call is the documented request`() async throws {
        let reply = StandInServer.Reply(body: "{}")
        try await StandInServer.run(reply) { server, client in
            let before = Timestamp("2025-01-15T12:00:00.5+01:00")
            _ = try? await client.conversations(limit: 10, offset: 3)
            _ = try? await client.conversation("conv_1", messageLimit: 20)
            _ = try? await client.update("conv_1", with: ConversationUpdate(metadata: .replaced(["a": [nil, 1]])))
            _ = try? await client.update("conv_1", with: ConversationUpdate(metadata: .cleared))
            _ = try? await client.update("conv_1", with: ConversationUpdate())
            _ = try? await client.messages(in: "conv_1", limit: 20, before: nil, after: nil)
            _ = try? await client.messages(in: "conv_1", limit: 20, before: before, after: Timestamp(microseconds: 0))
            _ = try? await client.send(OutboundMessage(fromNumber: "+1", toNumber: "+2", body: "Hi"))
            _ = try? await client.react(to: "msg_1", with: .love)
            _ = try? await client.showTyping(in: "conv_1")
            _ = try? await client.webhook()
            _ = try? await client.setWebhook(WebhookRequest(url: "https://a.b/c", contextLimit: 5))
            try await client.deleteWebhook()
            expectNoDifference(
                server.received.map { "\($0.line) \($0.body)" },
                [
                    "GET /v1/conversations?limit=10&offset=3 ",
                    "GET /v1/conversations/conv_1?message_limit=20 ",
                    "PATCH /v1/conversations/conv_1 {\"metadata\":{\"a\":[null,1]}}",
                    "PATCH /v1/conversations/conv_1 {\"metadata\":null}",
                    "PATCH /v1/conversations/conv_1 {}",
                    "GET /v1/conversations/conv_1/messages?limit=20 ",
                    "GET /v1/conversations/conv_1/messages?limit=20&before=2025-01-15T11%3A00%3A00.500Z"
                        + "&after=1970-01-01T00%3A00%3A00Z ",
                    "POST /v1/messages {\"body\":\"Hi\",\"from_number\":\"+1\",\"to_number\":\"+2\"}",
                    "POST /v1/messages/msg_1/reactions {\"reaction\":\"love\"}",
                    "POST /v1/conversations/conv_1/typing {}",
                    "GET /v1/webhooks ",
                    "POST /v1/webhooks {\"contextLimit\":5,\"url\":\"https://a.b/c\"}",
                    "DELETE /v1/webhooks ",
                ])
        }
    }

    @Test func `each request carries the key and says who asks`() async throws {
        try await StandInServer.run(StandInServer.Reply(body: "null")) { server, client in
            _ = try await client.webhook()
            _ = try? await client.setWebhook(WebhookRequest(url: "u"))
            let names = ["authorization", "accept", "user-agent", "content-type"]
            expectNoDifference(
                server.received.map { request in names.map { request.headers[$0] } },
                [
                    ["Bearer sk_test_1", "application/json", "tidewire", nil],
                    ["Bearer sk_test_1", "application/json", "tidewire", "application/json"],
                ])
        }
    }

    @Test func `answers with unknown fields and channels are read`() async throws {
        let body = """
            {"data": [{"id": "m", "body": "Hi", "fromNumber": "a@b.c", "toNumber": "+1", "direction": "sideways",
              "channel": "pigeon", "mediaUrl": null, "receivedAt": "2025-01-15T12:00:00.25Z", "feathers": {"n": 2}}],
             "hasMore": false, "cursor": null}
            """
        try await StandInServer.run(StandInServer.Reply(body: body)) { _, client in
            let page = try await client.messages(in: "c", limit: 1, before: nil, after: nil)
            expectNoDifference(
                page,
                MessagePage(
                    data: [
                        Message(
                            id: "m", body: "Hi", fromNumber: "a@b.c", toNumber: "+1",
                            direction: Direction(rawValue: "sideways"), channel: Channel(rawValue: "pigeon"),
                            receivedAt: Timestamp(microseconds: 1_736_942_400_250_000))
                    ], hasMore: false))
        }
    }

    @Test(arguments: [
        ("a/b", "a%2Fb"), ("a b?c#d%e", "a%20b%3Fc%23d%25e"), ("ü+&=;", "%C3%BC%2B%26%3D%3B"), ("%2e%2e", "%252e%252e"),
        ("a..b", "a..b"), ("...", "..."), ("\n", "%0A"),
    ])
    func `an id stays in its place in the path`(id: String, segment: String) async throws {
        try await StandInServer.run(StandInServer.Reply(body: "{}")) { server, client in
            _ = try? await client.conversation(Conversation.ID(id), messageLimit: 1)
            _ = try? await client.react(to: Message.ID(id), with: .like)
            expectNoDifference(
                server.received.map(\.line),
                [
                    "GET /v1/conversations/\(segment)?message_limit=1", "POST /v1/messages/\(segment)/reactions",
                ])
        }
    }

    @Test(arguments: ["", ".", "..", "../webhooks", "a/../../webhooks", "a/..", "..\\webhooks", "./a"])
    func `an id that would lead elsewhere is not found, and nothing is sent`(id: String) async throws {
        try await StandInServer.run(StandInServer.Reply(body: "{}")) { server, client in
            let read = await #expect(throws: APIError.self) {
                try await client.messages(in: Conversation.ID(id), limit: 1, before: nil, after: nil)
            }
            let reaction = await #expect(throws: APIError.self) {
                try await client.react(to: Message.ID(id), with: .like)
            }
            expectNoDifference([read?.code, reaction?.code], [.notFound, .notFound])
            expectNoDifference(server.received, [])
        }
    }

    @Test func `metadata that JSON can't hold is refused before it is sent`() async throws {
        try await StandInServer.run(StandInServer.Reply(body: "{}")) { server, client in
            let update = ConversationUpdate(metadata: .replaced(["share": .number(.nan)]))
            await #expect(
                throws: APIError(
                    .invalidRequest,
                    "updating conversation c: metadata must hold no number that is infinite or not a number; "
                        + "nothing was sent",
                    field: "metadata")
            ) { try await client.update("c", with: update) }
            expectNoDifference(server.received, [])
        }
    }

    @Test func `a call is tried once, whatever comes of it`() async throws {
        try await StandInServer.run(StandInServer.Reply(status: 503)) { server, client in
            let error = await #expect(throws: APIError.self) { try await client.conversations(limit: 1, offset: 0) }
            expectNoDifference(error?.code, .unavailable)
            expectNoDifference(server.received.count, 1)
        }
    }

    @Test func `a redirect is not followed`() async throws {
        let reply = StandInServer.Reply(status: 307, headers: ["location": "/elsewhere"])
        try await StandInServer.run(reply) { server, client in
            let read = await #expect(throws: APIError.self) { try await client.webhook() }
            let send = await #expect(throws: APIError.self) { try await client.send(Self.message) }
            expectNoDifference([read?.code, send?.code], [.badResponse, .badResponse])
            expectNoDifference(read?.message.contains("api.base_url"), true)
            expectNoDifference(server.received.map(\.line), ["GET /v1/webhooks", "POST /v1/messages"])
        }
    }

    @Test func `what a client that follows redirects brings from elsewhere is refused`() async throws {
        try await StandInServer.run(StandInServer.Reply(body: "null")) { elsewhere, _ in
            let reply = StandInServer.Reply(status: 302, headers: ["location": elsewhere.baseURL + "/"])
            try await StandInServer.run(reply, httpClient: .shared) { _, client in
                let error = await #expect(throws: APIError.self) { try await client.webhook() }
                expectNoDifference(error?.code, .badResponse)
                expectNoDifference(error?.status, 302)
            }
        }
    }

    @Test func `the key is never shown`() throws {
        let configuration = try AgentPhoneConfiguration(baseURL: "https://api.example.com", apiKey: "sk_secret")
        let client = AgentPhoneClient(configuration)
        for text in ["\(configuration)", "\(client)", String(reflecting: client), String(customDumping: client)] {
            expectNoDifference(text.contains("sk_secret"), false)
        }
    }

    static let message = OutboundMessage(fromNumber: "+1", toNumber: "+2", body: "Hi")
}

@Suite struct AgentPhoneConfigurationTests {
    @Test(arguments: [
        ("https://api.agentphone.to", "https://api.agentphone.to"),
        ("https://api.agentphone.to/", "https://api.agentphone.to"),
        ("https://api.agentphone.to/v1", "https://api.agentphone.to"),
        ("https://api.agentphone.to/v1/", "https://api.agentphone.to"),
        ("http://127.0.0.1:8471", "http://127.0.0.1:8471"), ("HTTP://[::1]:8471/proxy", "HTTP://[::1]:8471/proxy"),
    ])
    func `a base URL is taken with or without its version`(text: String, baseURL: String) throws {
        expectNoDifference(try AgentPhoneConfiguration(baseURL: text, apiKey: "k").baseURL, baseURL)
    }

    @Test(arguments: [
        "", "api.agentphone.to", "ftp://api.agentphone.to", "https://", "https:///v1", "https://user:pw@host",
        "https://host?x=1", "https://host#x", "https://host:0", "https://host:99999", "file:///etc/passwd", "not a url",
    ])
    func `a URL that no API can be at is refused`(text: String) {
        expect(.invalidBaseURL) { try AgentPhoneConfiguration(baseURL: text, apiKey: "k") }
    }

    @Test(arguments: ["", " ", "sk_1\n", "sk 1", "schlüssel", "a\r\nX-Evil: 1"])
    func `a key that no header can hold is refused`(key: String) {
        expect(.invalidAPIKey) { try AgentPhoneConfiguration(baseURL: "https://host", apiKey: key) }
    }

    @Test func `limits that let nothing through are refused`() {
        expect(.invalidTimeout) {
            try AgentPhoneConfiguration(baseURL: "https://host", apiKey: "k", timeout: .zero)
        }
        expect(.invalidBodyLimit) {
            try AgentPhoneConfiguration(baseURL: "https://host", apiKey: "k", bodyLimit: 0)
        }
    }

    private func expect(
        _ code: AgentPhoneConfigurationError.Code, _ make: () throws -> AgentPhoneConfiguration
    ) {
        let error = #expect(throws: AgentPhoneConfigurationError.self) { try make() }
        expectNoDifference(error?.code, code)
    }
}
