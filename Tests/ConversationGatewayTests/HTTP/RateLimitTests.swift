import Conversations
import CustomDump
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import ConversationGateway

@Suite struct RateLimitTests {
    @Test func `past the documented limit a call answers 429 with the time to wait, and then passes`() async throws {
        let fixture = try GatewayFixture { $0.rateLimits = RateLimit.documented }
        try await fixture.routes { call in
            let body: JSONValue = ["url": "https://example.com/hook"]
            for _ in 0..<10 { expectSame(try await call("POST", "/v1/webhooks", body).status, 200) }
            fixture.clock.advance(by: .seconds(20))
            let refused = try await call("POST", "/v1/webhooks", body)
            expectNoDifference(refused.status, 429)
            expectNoDifference(refused.headers[.retryAfter], "40")
            expectNoDifference(refused.json["error"]?.text("code"), "RATE_LIMIT_EXCEEDED")
            expectNoDifference(refused.json["error"]?.text("type"), "rate_limit_error")
            expectNoDifference(refused.json.text("detail"), "Rate limit exceeded. Limit: 10 requests per 60s")
            expectSame(try await call("GET", "/v1/webhooks").status, 200)
            fixture.clock.advance(by: .seconds(40))
            expectSame(try await call("POST", "/v1/webhooks", body).status, 200)
        }
    }

    @Test func `without limits nothing is counted`() async throws {
        let fixture = try GatewayFixture()
        try await fixture.routes { call in
            for _ in 0..<40 { expectSame(try await call("POST", "/v1/agents", ["name": "a"]).status, 200) }
        }
    }

    @Test func `each limit names an operation that there is`() {
        let names = Set(Endpoint.all.map(\.name))
        expectNoDifference(RateLimit.documented.keys.filter { !names.contains($0) }, [])
    }

    @Test func `each operation has a name and a place of its own`() {
        expectNoDifference(Set(Endpoint.all.map(\.name)).count, Endpoint.all.count)
        expectNoDifference(Set(Endpoint.all.map { "\($0.method) \($0.path)" }).count, Endpoint.all.count)
    }
}
